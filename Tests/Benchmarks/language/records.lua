local points = {}
for i = 0, 199999 do
  points[i + 1] = {x = i, y = i % 10, name = "p"}
end
for _, point in ipairs(points) do
  point.x = point.x + point.y
end
local counts, size = {}, 0
for i = 0, 499999 do
  local key = "k" .. i % 5000
  if not counts[key] then size = size + 1 end
  counts[key] = (counts[key] or 0) + 1
end
local total = 0
for _, point in ipairs(points) do
  total = total + point.x
end
print(total + size + counts["k7"])
