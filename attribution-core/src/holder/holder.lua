-- Folds clicks and decisions into the records of who holds a visitor or buyer. Layouts: holder/mod.rs, layout.rs.
-- KEYS: records, all in one bucket. ARGV[i]: what happened to KEYS[i]. Returns {written, of a newer format}.
-- The result depends on what was delivered, not on the order or the number of times.
local FAR = 9007199254740991
local NOBODY, BASE = 255, 254
local ENTRY = 48

local function order(s, pos)
  local at, a, b, c, d = struct.unpack('>I8I4I4I4I4', s, pos)
  return {at, a, b, c, d}
end

local function compare(x, y)
  for i = 1, 5 do
    if x[i] ~= y[i] then return x[i] < y[i] and -1 or 1 end
  end
  return 0
end

-- at 6, end 1, guard 1, click 16, promoter 4, placement 4, protected until 8, expires 8
local function entry(s, pos)
  local e = {raw = string.sub(s, pos, pos + ENTRY - 1)}
  local a, b, c, d
  e.at, e.ending, e.guard, a, b, c, d, e.promoter, e.placement, e.protected, e.expires =
    struct.unpack('>I6I1I1I4I4I4I4I4I4I8I8', s, pos)
  e.order = {e.at, a, b, c, d}
  return e
end

local function parse(s)
  local n, holder, flags, version = struct.unpack('>I1I1I1I8', s, 2)
  local record = {version = version, entries = {}, decided = flags >= 2}
  local pos = 29
  if flags % 2 == 1 then
    record.floor = order(s, pos)
    record.keep = struct.unpack('>I8', s, pos + 24)
    record.base = entry(s, pos + 32)
    pos = pos + 32 + ENTRY
  end
  for i = 1, n do
    record.entries[i] = entry(s, pos)
    pos = pos + ENTRY
  end
  return record
end

-- The state after click e; `who` says where the holding click stands.
local function step(state, e, who)
  if state.who ~= NOBODY and e.at < state.expires then
    if e.promoter == state.promoter then
      local expires = e.expires
      if e.ending == 1 then
        expires = state.expires
      elseif e.ending == 2 then
        expires = math.max(state.expires, e.expires)
      end
      return {who = who, e = e, promoter = e.promoter, protected = state.protected, expires = expires}
    end
    if e.guard == 2 or (e.guard == 1 and e.at < state.protected) then return state end
  end
  return {who = who, e = e, promoter = e.promoter, protected = e.protected, expires = e.expires}
end

local function start(record)
  local base = record.base
  if not base or base.promoter == 0 then return {who = NOBODY, promoter = 0, protected = 0, expires = 0} end
  return {who = BASE, e = base, promoter = base.promoter, protected = base.protected, expires = base.expires}
end

local function with_ends(e, protected, expires)
  return entry(string.sub(e.raw, 1, 32) .. struct.pack('>I8I8', protected, expires), 1)
end

-- Clicks beyond the depth become part of the base; what is older than the base is never looked at again. At depth 1
-- the newest click wins whatever came before it.
local function trim(record, depth)
  while #record.entries > depth do
    local oldest = table.remove(record.entries, 1)
    if depth > 1 then
      local state = step(start(record), oldest, BASE)
      record.floor = oldest.order
      record.keep = record.keep or 0
      record.base = with_ends(state.e, state.protected, state.expires)
      record.decided = false
    end
  end
end

local function insert(record, e)
  if record.floor and compare(e.order, record.floor) <= 0 then return end
  local i = #record.entries
  while i > 0 do
    local c = compare(e.order, record.entries[i].order)
    if c == 0 then return end
    if c > 0 then break end
    i = i - 1
  end
  table.insert(record.entries, i + 1, e)
end

local function decide(record, s)
  local version = struct.unpack('>I8', s, 2)
  if version <= record.version then return end
  record.version = version
  record.floor = order(s, 10)
  record.keep = struct.unpack('>I8', s, 34)
  record.base = entry(s, 42)
  record.decided = true
  local kept = {}
  for _, e in ipairs(record.entries) do
    if compare(e.order, record.floor) > 0 then kept[#kept + 1] = e end
  end
  record.entries = kept
end

local function render(record)
  local state = start(record)
  local last = record.base and math.max(record.base.expires, record.keep) or 0
  for i, e in ipairs(record.entries) do
    state = step(state, e, i - 1)
    last = math.max(last, e.expires, state.expires)
  end
  local flags = (record.base and 1 or 0) + (record.decided and 2 or 0)
  local parts = {
    struct.pack('>I1I1I1I1I8I8I8', 1, #record.entries, state.who, flags, record.version, state.protected,
      state.expires)
  }
  if record.base then
    parts[2] = struct.pack('>I8I4I4I4I4', unpack(record.floor))
    parts[3] = struct.pack('>I8', record.keep)
    parts[4] = record.base.raw
  end
  for _, e in ipairs(record.entries) do parts[#parts + 1] = e.raw end
  return table.concat(parts), last
end

-- The most frequent case, a first plain click, without taking anything apart.
local function first_click(op)
  local protected, expires = struct.unpack('>I8I8', op, 35)
  return struct.pack('>I1I1I1I1I8I8I8', 1, 1, 0, 0, 0, protected, expires) .. string.sub(op, 3), expires
end

local written, newer = 0, 0
for i, key in ipairs(KEYS) do
  local op = ARGV[i]
  local stored = redis.call('GET', key)
  if stored and string.byte(stored) ~= 1 then
    newer = newer + 1
  else
    local value, last
    if not stored and string.byte(op) == 1 and #op == 2 + ENTRY then
      value, last = first_click(op)
    else
      local record = stored and parse(stored) or {version = 0, entries = {}}
      if string.byte(op) == 1 then
        for pos = 3, #op, ENTRY do insert(record, entry(op, pos)) end
        trim(record, string.byte(op, 2))
      else
        decide(record, op)
      end
      value, last = render(record)
    end
    if value ~= stored then
      if last >= FAR then
        redis.call('SET', key, value)
      else
        redis.call('SET', key, value, 'PXAT', string.format('%.0f', last))
      end
      written = written + 1
    end
  end
end
return {written, newer}
