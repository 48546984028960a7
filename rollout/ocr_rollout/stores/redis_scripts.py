"""The Lua scripts of the Redis store: each is one atomic step, and may be repeated.

All keys begin with the prefix in KEYS[1], `{name}:`. The braces put them on one shard. Numbers
travel as text: Lua would write large ones with an exponent, and sums may pass the 2**53 that it
counts to.

| key | type | what |
|---|---|---|
| `schema` | text | version of this layout |
| `state` | hash | generation, document |
| `audit`, `audit:ids` | list, hash | `ID DOCUMENT` by sequence; sequence by id |
| `outbox:sequence`, `outbox:order`, `outbox` | number, zset, hash | of messages by id |
| `outbox:leases` | hash | `DUE ATTEMPTS OWNER` by id |
| `counts:SERIES:START` | hash | sums by name |
| `starts:SERIES` | zset | its time buckets |
| `seen:SCOPE:WINDOW` | bitmap | bucket keys |
| `source:SOURCE` | number | its last batch |
| `sample:ID` | hash | kind, at_s, expires_s, document, review, image |
| `samples:KIND` | zset | ids by at_s |
| `expiring` | zset | what `prune` may take away, by expiry on the callers' clock |

Besides, Redis itself lets them expire an hour later than that, should nobody prune.
"""

from __future__ import annotations

from ocr_rollout.stores.samples import KINDS

SCHEMA_VERSION = 1
WRONG_SCHEMA = "OCRSCHEMA"  # first word of the error reply of a script that finds another layout

PRELUDE = f"""
local p = KEYS[1]
local schema = redis.call('GET', p .. 'schema')
if schema and schema ~= '{SCHEMA_VERSION}' then
  return redis.error_reply('{WRONG_SCHEMA} ' .. schema)
end
local function state()
  local found = redis.call('HMGET', p .. 'state', 'generation', 'document')
  return found[1] or '0', found[2] or ''
end
"""

WRITING = (
    PRELUDE
    + f"""
if not schema then redis.call('SET', p .. 'schema', '{SCHEMA_VERSION}') end
local kinds = {{{", ".join(f"'{kind}'" for kind in KINDS)}}}
local function record(id, text)
  local there = redis.call('HGET', p .. 'audit:ids', id)
  if there then return tonumber(there) end
  local sequence = redis.call('RPUSH', p .. 'audit', id .. ' ' .. text)
  redis.call('HSET', p .. 'audit:ids', id, sequence)
  return sequence
end
local function keep(key, ttl)
  if redis.call('TTL', key) < tonumber(ttl) then redis.call('EXPIRE', key, ttl) end
end
local function expiring(key, expires, ttl)
  redis.call('ZADD', p .. 'expiring', 'GT', expires, key)
  keep(key, ttl)
end
"""
)

STATE = PRELUDE + "return {state()}"

# ARGV: expected, its successor, document, entry's id, entry, then id and document of each message
COMMIT = (
    WRITING
    + """
local generation, document = state()
if redis.call('HEXISTS', p .. 'audit:ids', ARGV[4]) == 1 then
  return {1, generation, document}
end
if generation ~= ARGV[1] then return {0, generation, document} end
redis.call('HSET', p .. 'state', 'generation', ARGV[2], 'document', ARGV[3])
record(ARGV[4], ARGV[5])
for i = 6, #ARGV, 2 do
  if redis.call('HSETNX', p .. 'outbox', ARGV[i], ARGV[i + 1]) == 1 then
    local sequence = redis.call('INCR', p .. 'outbox:sequence')
    redis.call('ZADD', p .. 'outbox:order', sequence, ARGV[i])
  end
end
redis.call('PUBLISH', p .. 'changes', ARGV[2])
return {1, ARGV[2], ARGV[3]}
"""
)

# ARGV: generation, document
REFRESH = (
    WRITING
    + """
local generation = state()
if generation ~= ARGV[1] then return 0 end
redis.call('HSET', p .. 'state', 'document', ARGV[2])
return 1
"""
)

# ARGV: entry's id, entry
RECORD = WRITING + "return record(ARGV[1], ARGV[2])"

# ARGV: after, limit. Returns the first sequence, then the entries.
HISTORY = (
    PRELUDE
    + """
local first = tonumber(ARGV[1])
if first < 0 then first = math.max(0, redis.call('LLEN', p .. 'audit') + first) end
if ARGV[2] == '0' then return {first + 1, {}} end
return {first + 1, redis.call('LRANGE', p .. 'audit', first, first + tonumber(ARGV[2]) - 1)}
"""
)

# Rows of counts, each (series, start, expiry, time to live, {name, number, ...}): `add` them up,
# then `added` writes the sums.
ADDING = """
local sums, order = {}, {}
local function add(rows)
  for _, row in ipairs(rows) do
    local key = p .. 'counts:' .. row[1] .. ':' .. row[2]
    local sum = sums[key]
    if not sum then
      sum = {series = row[1], start = row[2], expires = 0, ttl = 0, counts = {}}
      sums[key] = sum
      order[#order + 1] = key
    end
    sum.expires = math.max(sum.expires, tonumber(row[3]))
    sum.ttl = math.max(sum.ttl, tonumber(row[4]))
    local counts = row[5]
    for i = 1, #counts, 2 do
      sum.counts[counts[i]] = (sum.counts[counts[i]] or 0) + tonumber(counts[i + 1])
    end
  end
end
local function added()
  for _, key in ipairs(order) do
    local sum = sums[key]
    if next(sum.counts) then
      for name, value in pairs(sum.counts) do
        redis.call('HINCRBY', key, name, string.format('%.0f', value))
      end
      local starts = p .. 'starts:' .. sum.series
      redis.call('ZADD', starts, sum.start, sum.start)
      expiring(key, string.format('%.0f', sum.expires), sum.ttl)
      keep(starts, sum.ttl)
    end
  end
end
"""

# ARGV: source, sequence, its expiry, its time to live, and JSON of rows, groups of rows, and keyed.
# A row: series, start, expiry, time to live, {name, number, ...}.
# A keyed one: scope, window, expiry, time to live, bucket, number of its group.
ADD = (
    WRITING
    + ADDING
    + """
local source = p .. 'source:' .. ARGV[1]
if tonumber(redis.call('GET', source) or '0') >= tonumber(ARGV[2]) then return -1 end
redis.call('SET', source, ARGV[2])
expiring(source, ARGV[3], ARGV[4])
local batch = cjson.decode(ARGV[5])
add(batch.rows)
local repeats, windows = 0, {}
for _, keyed in ipairs(batch.keyed) do
  local window = p .. 'seen:' .. keyed[1] .. ':' .. keyed[2]
  if redis.call('SETBIT', window, keyed[5], 1) == 0 then add(batch.groups[keyed[6]])
  else repeats = repeats + 1 end
  if not windows[window] or tonumber(windows[window][3]) < tonumber(keyed[3]) then
    windows[window] = keyed
  end
end
for window, keyed in pairs(windows) do expiring(window, keyed[3], keyed[4]) end
added()
return repeats
"""
)

# ARGV: series, since, until (exclusive) of each span. Returns {start, {name, number, ...}, ...}.
COUNTS = (
    PRELUDE
    + """
local spans = {}
for i = 1, #ARGV, 3 do
  local found = {}
  local starts = redis.call(
    'ZRANGEBYSCORE', p .. 'starts:' .. ARGV[i], ARGV[i + 1], '(' .. ARGV[i + 2])
  for _, start in ipairs(starts) do
    local counts = redis.call('HGETALL', p .. 'counts:' .. ARGV[i] .. ':' .. start)
    if #counts > 0 then
      found[#found + 1] = start
      found[#found + 1] = counts
    end
  end
  spans[#spans + 1] = found
end
return spans
"""
)

# ARGV: owner, now, end of the lease, limit; then `only` and targets, or nothing. Returns {id, document, attempt, ...}.
LEASE = (
    WRITING
    + """
local found, targets, wanted = {}, {}, {}
for i = 6, #ARGV do wanted[ARGV[i]] = true end
for _, id in ipairs(redis.call('ZRANGE', p .. 'outbox:order', 0, -1)) do
  if #found >= 3 * tonumber(ARGV[4]) then break end
  local document = redis.call('HGET', p .. 'outbox', id)
  local target = cjson.decode(document).target
  if type(target) ~= 'string' then target = nil end
  local lease = redis.call('HGET', p .. 'outbox:leases', id) or '0 0 '
  local due, attempts = string.match(lease, '^(%S+) (%d+) ')
  local mine = not ARGV[5] or (target and wanted[target])
  if mine and not (target and targets[target]) and tonumber(due) <= tonumber(ARGV[2]) then
    local attempt = tonumber(attempts) + 1
    redis.call('HSET', p .. 'outbox:leases', id, ARGV[3] .. ' ' .. attempt .. ' ' .. ARGV[1])
    found[#found + 1] = id
    found[#found + 1] = document
    found[#found + 1] = attempt
  end
  if target then targets[target] = true end
end
return found
"""
)

_LEASED = (
    WRITING
    + """
local lease = redis.call('HGET', p .. 'outbox:leases', ARGV[1]) or ''
local attempt, owner = string.match(lease, '^%S+ (%d+) (.*)$')
if owner ~= ARGV[2] or attempt ~= ARGV[3] then return 0 end
"""
)

# ARGV: id, owner, attempt, due
POSTPONE = (
    _LEASED
    + """
redis.call('HSET', p .. 'outbox:leases', ARGV[1], ARGV[4] .. ' ' .. attempt .. ' ' .. owner)
return 1
"""
)

# ARGV: id, owner, attempt
SETTLE = (
    _LEASED
    + """
redis.call('HDEL', p .. 'outbox:leases', ARGV[1])
redis.call('HDEL', p .. 'outbox', ARGV[1])
redis.call('ZREM', p .. 'outbox:order', ARGV[1])
return 1
"""
)

# ARGV: now, how many at most. Returns how many: called again until it returns fewer.
PRUNE = (
    WRITING
    + """
local keys = redis.call('ZRANGEBYSCORE', p .. 'expiring', '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
for _, key in ipairs(keys) do
  local name = string.sub(key, #p + 1)
  local series, start = string.match(name, '^counts:(.+):(%d+)$')
  local sample = string.match(name, '^sample:(.+)$')
  if series then redis.call('ZREM', p .. 'starts:' .. series, start) end
  if sample then
    for _, kind in ipairs(kinds) do redis.call('ZREM', p .. 'samples:' .. kind, sample) end
  end
  redis.call('DEL', key)
  redis.call('ZREM', p .. 'expiring', key)
end
return #keys
"""
)
