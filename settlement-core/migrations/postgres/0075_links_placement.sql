-- Nobody asks for the links of a placement without its promoter: the index cost each new link a seventh of its time.
DROP INDEX links_placement;
