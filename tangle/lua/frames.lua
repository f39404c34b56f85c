-- frames.lua - one drawing, many pictures: the frames of a steps figure.
--
-- In the SVG, <g class="at 2 3">...</g> stands in frames 2 and 3 only; what is in
-- no such group is in every frame. tangle/check has seen that they are sound.
local M = {}

-- Where the group ends whose first tag ends before `from`.
local function end_of_group(svg, from)
  local depth = 1
  while depth > 0 do
    local _, last, slash, inside = svg:find('<(/?)g%f[%s/>]([^>]*)>', from)
    if not last then return #svg end
    if slash == '/' then depth = depth - 1
    elseif not inside:match('/$') then depth = depth + 1 end
    from = last + 1
  end
  return from - 1
end

-- The picture of frame n: without the groups of other frames, and with ids of
-- its own, so that all frames can stand on one page.
function M.frame(svg, n)
  local kept, from = {}, 1
  while true do
    local first, last, frames = svg:find('<g%f[%s][^>]*%sclass="at ([%d ]+)"[^>]*>', from)
    if not first then break end
    local close = end_of_group(svg, last + 1)
    local here = (' ' .. frames .. ' '):find(' ' .. n .. ' ', 1, true)
    kept[#kept + 1] = svg:sub(from, here and close or first - 1)
    from = close + 1
  end
  kept[#kept + 1] = svg:sub(from)
  return (table.concat(kept):gsub('(%sid="[^"]+)"', '%1-' .. n .. '"'):gsub('(url%(#[^)]+)%)', '%1-' .. n .. ')')
    :gsub('(href="#[^"]+)"', '%1-' .. n .. '"'))
end

return M
