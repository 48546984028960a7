"""The Lua scripts of the Redis store's samples; see `redis_scripts`."""

from __future__ import annotations

from ocr_rollout.stores.redis_scripts import ADDING, PRELUDE, WRITING

_FORGET = """
local function forget(id)
  for _, kind in ipairs(kinds) do redis.call('ZREM', p .. 'samples:' .. kind, id) end
  redis.call('ZREM', p .. 'expiring', p .. 'sample:' .. id)
  return redis.call('DEL', p .. 'sample:' .. id)
end
"""

# ARGV: id, kind, at, expiry, time to live, document, review, image (both may be empty), keep
PUT_SAMPLE = (
    WRITING
    + _FORGET
    + """
local key, order = p .. 'sample:' .. ARGV[1], p .. 'samples:' .. ARGV[2]
if redis.call('HSETNX', key, 'document', ARGV[6]) == 0 then return 0 end
redis.call('HSET', key, 'kind', ARGV[2], 'at_s', ARGV[3], 'expires_s', ARGV[4])
if ARGV[7] ~= '' then redis.call('HSET', key, 'review', ARGV[7]) end
if ARGV[8] ~= '' then redis.call('HSET', key, 'image', ARGV[8]) end
redis.call('ZADD', order, ARGV[3], ARGV[1])
expiring(key, ARGV[4], ARGV[5])
if ARGV[9] ~= '' then
  local more = redis.call('ZCARD', order) - tonumber(ARGV[9])
  if more > 0 then
    for _, id in ipairs(redis.call('ZRANGE', order, 0, more - 1)) do forget(id) end
  end
end
return 1
"""
)

_READING = (
    PRELUDE
    + """
local function sample(id)
  return redis.call(
    'HMGET', p .. 'sample:' .. id, 'at_s', 'expires_s', 'document', 'review', 'kind')
end
"""
)

# ARGV: kind, since, until (exclusive), limit. Returns {id, at, expiry, document, review, kind}, ...
SAMPLES = (
    _READING
    + """
local found = {}
if ARGV[4] == '0' then return found end
local ids = redis.call('ZREVRANGEBYSCORE', p .. 'samples:' .. ARGV[1], '(' .. ARGV[3], ARGV[2],
  'LIMIT', 0, ARGV[4])
for _, id in ipairs(ids) do
  local there = sample(id)
  if there[1] then
    found[#found + 1] = {id, there[1], there[2], there[3], there[4] or '', there[5]}
  end
end
return found
"""
)

# Takes an id.
SAMPLE = (
    _READING
    + """
local there = sample(ARGV[1])
if not there[1] then return {} end
return {ARGV[1], there[1], there[2], there[3], there[4] or '', there[5]}
"""
)

# Takes an id.
IMAGE = PRELUDE + "return redis.call('HGET', p .. 'sample:' .. ARGV[1], 'image') or ''"

# ARGV: id, review before (or nothing), after, JSON of rows as in `redis_scripts.ADD`
REVIEW_SAMPLE = (
    WRITING
    + ADDING
    + """
local key = p .. 'sample:' .. ARGV[1]
if redis.call('EXISTS', key) == 0 then return 0 end
local there = redis.call('HGET', key, 'review') or ''
if there == ARGV[3] then return 1 end
if there ~= ARGV[2] then return 0 end
redis.call('HSET', key, 'review', ARGV[3])
add(cjson.decode(ARGV[4]))
added()
return 1
"""
)

# ARGV: ids. Returns how many there were.
DELETE_SAMPLES = (
    WRITING
    + _FORGET
    + """
local gone = 0
for _, id in ipairs(ARGV) do gone = gone + forget(id) end
return gone
"""
)
