local numbers = {}
for i = 0, 999999 do
  numbers[#numbers + 1] = i * 17 % 1000
end
local squares = {}
for _, x in ipairs(numbers) do
  if x % 2 == 0 then squares[#squares + 1] = x * x end
end
local total = 0
for i = 1, #numbers do
  numbers[i] = numbers[i] + 1
  total = total + numbers[i]
end
local sum = 0
for _, x in ipairs(squares) do
  sum = sum + x
end
print(#squares + total + sum)
