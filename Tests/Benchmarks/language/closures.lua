local function counter(step)
  local count = 0
  return function(x)
    count = count + step
    return x + count
  end
end

local advance = counter(3)
local twice = function(f) return function(x) return f(f(x)) end end
local both = twice(advance)
local total = 0
for i = 0, 499999 do
  total = total + both(i) % 1000
end
print(total)
