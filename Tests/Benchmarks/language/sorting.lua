local state = 1
local numbers = {}
for i = 1, 300000 do
  state = state * 1103515245 % 2147483648 + 12345
  numbers[i] = state
end
local ascending = table.move(numbers, 1, #numbers, 1, {})
table.sort(ascending)
-- table.sort is not stable: the place decides between equals.
local pairs_of = {}
for i, x in ipairs(numbers) do
  pairs_of[i] = {x % 1000, i, x}
end
table.sort(pairs_of, function(a, b)
  if a[1] ~= b[1] then return a[1] < b[1] end
  return a[2] < b[2]
end)
local words = {}
for i, x in ipairs(numbers) do
  words[i] = tostring(x)
end
table.sort(words)
print(ascending[1001] .. " " .. pairs_of[150001][3] .. " " .. words[2001])
