-- One connection per click: the same taps, each asking the edge to close.
--   wrk -t1 -c64 -d10s -s close.lua http://127.0.0.1:8080 -- codes.txt

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
dofile(here .. "codes.lua")

local init_codes = init
function init(args)
  init_codes(args)
  wrk.headers["Connection"] = "close"
end
