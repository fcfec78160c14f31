local parts = {}
for i = 0, 299999 do
  parts[#parts + 1] = "item " .. i
end
local text = table.concat(parts, ",")
-- Lua has no strings that grow: a table of pieces is how it is done.
local pieces = {}
for i = 1, 300000 do
  pieces[i] = "x"
end
local line = table.concat(pieces)
local words = {}
for word in text:gmatch("[^,]+") do
  words[#words + 1] = word
end
print(#text + #line + #words)
