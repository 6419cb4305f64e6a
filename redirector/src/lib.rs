//! The edge: resolves promo links, decides what a click is, makes it durable, answers.
