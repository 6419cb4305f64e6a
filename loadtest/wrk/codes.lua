-- Taps links from a file, one code a line, with a browser's headers:
--   wrk -t1 -c64 -d10s -s codes.lua http://127.0.0.1:8080 -- codes.txt
-- A fixed path would hide cache misses, and a bare request would hide what headers cost.

local codes = {}
local at = 0

function init(args)
  local file = assert(io.open(args[1] or "codes.txt"), "give a file of codes after --")
  for line in file:lines() do
    if #line > 0 then codes[#codes + 1] = "/" .. line end
  end
  file:close()
  assert(#codes > 0, "the file has no codes")
  math.randomseed(os.time())
  at = math.random(#codes)
  wrk.headers["sec-ch-ua"] = '"Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"'
  wrk.headers["sec-ch-ua-mobile"] = "?1"
  wrk.headers["sec-ch-ua-platform"] = '"Android"'
  wrk.headers["Upgrade-Insecure-Requests"] = "1"
  wrk.headers["User-Agent"] = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    .. "Chrome/140.0.0.0 Mobile Safari/537.36"
  wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
  wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
  wrk.headers["Accept-Language"] = "zh-CN,zh;q=0.9,en;q=0.8"
  wrk.headers["Sec-Fetch-Site"] = "cross-site"
  wrk.headers["Sec-Fetch-Mode"] = "navigate"
  wrk.headers["Sec-Fetch-User"] = "?1"
  wrk.headers["Sec-Fetch-Dest"] = "document"
end

function request()
  -- A step that shares no factor with most lengths walks through the file in no obvious order.
  at = (at + 7919) % #codes
  return wrk.format("GET", codes[at + 1])
end

-- wrk counts every 3xx as good; say what came so that a wall of 404 is not taken for speed.
local statuses = {}
function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

local threads = {}
function setup(thread) threads[#threads + 1] = thread end

function done(summary)
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses") or {}) do
      io.write(string.format("status %d: %d\n", status, count))
    end
  end
end
