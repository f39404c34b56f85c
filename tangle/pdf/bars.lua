-- bars.lua - tints and bars behind text that may run over pages.
--
-- A block sets the attribute \bookbar to the number of its style; blocks inside
-- it multiply by 10 and add theirs. When a page is done, every run of lines
-- with the same style gets one rectangle behind it.

local attribute = luatexbase.registernumber 'bookbar'
local hlist, vlist, rule, glue, kern = node.id 'hlist', node.id 'vlist', node.id 'rule', node.id 'glue', node.id 'kern'
local bp = 65781.76

-- A colour, its width (0: from the lines' left edge to the column's right), and
-- how far it goes above and below the lines. A bar stands at the column's edge.
local styles = {
  [1] = { colour = '.953 .957 .961', width = 0, pad = 3.5 },        -- recorded output
  [2] = { colour = '.702 .251 .122', width = 1.6, pad = 1 },        -- pitfall
  [3] = { colour = '.227 .420 .549', width = 1.6, pad = 1 },        -- note
  [4] = { colour = '.80 .82 .84', width = .8, pad = 1 },            -- listing, tab
  [5] = { colour = '.659 .435 .122', width = 1.6, pad = 1 },        -- exercise
}

local function rectangle(style, height, indent, column)
  local literal = node.new('whatsit', 'pdf_literal')
  local left, width = 0, style.width
  if width == 0 then left, width = indent / bp, (column - indent) / bp end
  literal.mode = 0
  literal.data = ('q %s rg %.3f %.3f %.3f %.3f re f Q'):format(style.colour, left, style.pad, width, -(height / bp + 2 * style.pad))
  return literal
end

local function height_of(n, parent)
  if n.id == hlist or n.id == vlist or n.id == rule then return n.height + n.depth end
  if n.id == glue then return node.effective_glue(n, parent) end
  if n.id == kern then return n.kern end
end

local function levels(value)         -- 52 -> { 5, 52 }
  local list = {}
  while value and value > 0 do table.insert(list, 1, value); value = value // 10 end
  return list
end

local function draw(parent, level, column)
  local run, value, total, solid
  local function finish()
    if run and solid > 0 then
      parent.head = node.insert_before(parent.head, run, rectangle(styles[value % 10], solid, run.shift or 0, column))
    end
    run = nil
  end
  for n in node.traverse(parent.head) do
    local height = height_of(n, parent)
    if height then
      local here = levels(node.get_attribute(n, attribute))[level]
      local is_box = n.id ~= glue and n.id ~= kern
      if run and here ~= value then finish() end
      if not run and here and is_box then run, value, total, solid = n, here, 0, 0 end
      if run then
        total = total + height
        if is_box then solid = total end
      end
    end
  end
  finish()
end

local function walk(box, drawn)
  if box.id == vlist then
    local deepest = 0
    for n in node.traverse(box.head) do
      deepest = math.max(deepest, #levels(node.get_attribute(n, attribute)))
    end
    for level = drawn + 1, deepest do draw(box, level, box.width) end
  end
  for n in node.traverse(box.head) do
    if n.id == hlist or n.id == vlist then
      walk(n, math.max(drawn, box.id == vlist and #levels(node.get_attribute(n, attribute)) or 0))
    end
  end
end

luatexbase.add_to_callback('pre_shipout_filter', function(page)
  walk(page, 0)
  return true
end, 'bars behind the text')
