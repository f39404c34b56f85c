-- latex.lua - the renderer for the PDF. The look is in pdf/book.tex; here the
-- blocks become its macros.
local data = require 'data'
local R = {}

local function raw(tex) return pandoc.RawBlock('latex', tex) end
local function raw_inline(tex) return pandoc.RawInline('latex', tex) end

local specials = { ['\\'] = '\\textbackslash{}', ['~'] = '\\textasciitilde{}', ['^'] = '\\textasciicircum{}' }
local function escape(s)
  return (s:gsub('[\\{}$&#_%%~^]', function(c) return specials[c] or '\\' .. c end))
end

local function tex_of(inlines)
  return (pandoc.write(pandoc.Pandoc{ pandoc.Plain(inlines) }, 'latex', { wrap_text = 'wrap-none' }):gsub('%s+$', ''))
end

-- Code in titles is written `so`.
local function ticks(text) return (escape(text):gsub('`([^`]*)`', '\\texttt{%1}')) end

local function around(open, blocks, close)
  local out = pandoc.List{ raw(open) }
  out:extend(blocks)
  out:insert(raw(close))
  return out
end

function R.begin_chapter() end

-- --- code ------------------------------------------------------------------

-- A line of code is a macro's argument, not verbatim text, so that it can hold
-- links and page numbers.
local function code(text)
  return (escape(text):gsub(' ', '\\ '))
end

local entities = { lt = '<', gt = '>', amp = '&', quot = '"', ['#39'] = "'" }
local function plain(html)
  return (html:gsub('&(#?%w+);', entities))
end

local function use(n)
  local part = data.parts['chunk-' .. data.slug[data.placeholder[tonumber(n)]] .. '-1']
  return ('\\codeuse{%s}{%s}'):format(part.id, escape(part.name))
end

-- One stretch of code in one colour.
local function stretch(text, class, find)
  local quiet = class and class:match('^[cs][otch]$') and class ~= 'cf'
  local tex = ''
  while text ~= '' do
    local before, n, after = text:match('^(.-)Zuse(%d+)Z(.*)$')
    local piece = code(before or text)
    if find and not quiet then
      piece = piece:gsub('\\_', '\1'):gsub('(\\?)(%f[%w\1][%a\1][%w\1]*)', function(slash, word)
        local def = slash == '' and find((word:gsub('\1', '_')))
        if def then return ('\\codelink{%s}{%s}'):format(def.id, word) end
      end):gsub('\1', '\\_')
    end
    if piece ~= '' then tex = tex .. (class and ('\\hl%s{%s}'):format(class, piece) or piece) end
    if n then tex = tex .. use(n) end
    text = after or ''
  end
  return tex
end

-- Lines as pandoc highlights them, as LaTeX.
local function highlighted(text, language, find)
  local html = pandoc.write(pandoc.Pandoc{ pandoc.CodeBlock(text, pandoc.Attr('x', { language })) }, 'html')
  local inner = html:match('<code[^>]*>(.*)</code>')
  local lines = {}
  for line in (inner .. '\n'):gmatch('([^\n]*)\n') do
    line = line:match('^<span id="x%-%d+"><a href="#x%-%d+"[^>]*></a>(.*)</span>$') or line
    local tex = ''
    while line ~= '' do
      local before, class, span, after = line:match('^([^<]*)<span class="(%l+)">([^<]*)</span>(.*)$')
      tex = tex .. stretch(plain(before or line), nil, find)
      if class then tex = tex .. stretch(plain(span), class, find) end
      line = after or ''
    end
    lines[#lines + 1] = tex
  end
  return lines
end

-- The page is 76 columns wide. Output that is wider goes on in the next line.
local columns = 76
local function folded(line)
  local out = {}
  while utf8.len(line) and utf8.len(line) > columns do
    local cut = utf8.offset(line, columns - 1) - 1
    local space = line:sub(1, cut):match('^.*() ')
    if space and space > cut / 2 then cut = space end
    out[#out + 1] = line:sub(1, cut)
    line = '  ' .. line:sub(cut + 1)
  end
  out[#out + 1] = line
  return out
end

-- Few lines stay together; of many, the first and the last four.
local function set_lines(lines, foot)
  local n = #lines
  for i, line in ipairs(lines) do
    local together = n <= 9 or i < 4 or i > n - 4
    lines[i] = '\\codeline{' .. line .. '}' .. ((together and i < n or i == n and foot) and '\\nobreak' or '')
  end
  return table.concat(lines, '\n')
end

local function parts_on_pages(ids, except)
  local said, seen = {}, { [except] = true }
  for _, id in ipairs(ids) do
    local part = data.parts[id]
    if not seen[part.name] then
      seen[part.name] = true
      said[#said + 1] = ('\\%s{%s}{%s}'):format(part.root and 'fileref' or 'chunkref', id, escape(part.name))
    end
  end
  return table.concat(said, ', ')
end

local function sibling(part, by)
  return data.parts['chunk-' .. data.slug[part.name] .. '-' .. (part.part + by)]
end

local function chunk_foot(part)
  local said = {}
  local before, after = sibling(part, -1), sibling(part, 1)
  if before then said[#said + 1] = ('\\hyperref[%s]{Continues part %d}, page~\\pageref{%s}'):format(before.id, before.part, before.id) end
  if after then said[#said + 1] = ('\\hyperref[%s]{Continued in part %d}, page~\\pageref{%s}'):format(after.id, after.part, after.id) end
  if #part.used > 0 then said[#said + 1] = 'Used in ' .. parts_on_pages(part.used, part.name) end
  local defs = {}
  for i, ident in ipairs(part.defs) do defs[i] = '\\mbox{\\texttt{' .. escape(ident) .. '}}' end
  if #defs > 0 then said[#said + 1] = 'Defines ' .. table.concat(defs, ', ') end
  return #said > 0 and table.concat(said, '. ') .. '.'
end

function R.chunk(block, part, find)
  local lines = highlighted(block.text:gsub('^%s*\n', ''):gsub('%s+$', ''), block.classes[1], find)
  local foot = chunk_foot(part)
  local place = part.at[1] and not part.root and
    ('%s:%d%s'):format(part.at[1][1], part.at[1][2], #part.at > 1 and (' and %d more'):format(#part.at - 1) or '') or ''
  return raw(('\\begin{chunk}{%s}{%s}{%s}{%s}\n%s\n\\end{chunk}'):format(part.id,
    part.root and '\\chunkfile{' .. escape(part.name) .. '}' or '\\chunkname{' .. escape(part.name) .. '}',
    part.parts > 1 and ('part %d of %d'):format(part.part, part.parts) or '', escape(place),
    set_lines(lines, foot) .. (foot and '\\chunkfoot{' .. foot .. '}' or '')))
end

function R.chunk_ref(name, part)
  return raw_inline(('\\%s{%s}{%s}'):format(part.root and 'fileref' or 'chunkref', part.id, escape(name)))
end

function R.listing(block)
  local text = {}
  for line in (block.text .. '\n'):gmatch('([^\n]*)\n') do
    for _, short in ipairs(folded(line)) do text[#text + 1] = short end
  end
  local lines = highlighted(table.concat(text, '\n'), block.classes[1] or 'text')
  return raw('\\begin{listing}\n' .. set_lines(lines) .. '\n\\end{listing}')
end

function R.signature(block, own, find)
  local lines = highlighted(block.text, 'c', find)
  for _, name in ipairs(own) do lines[1] = '\\anchor{' .. name .. '}' .. lines[1] end
  return raw('\\begin{listing}\n' .. set_lines(lines) .. '\n\\end{listing}')
end

function R.anchored(span)
  return { raw_inline('\\anchor{' .. span.identifier .. '}'), table.unpack(span.content) }
end

function R.recorded(_, transcript, system)
  local lines = {}
  for line in (transcript .. '\n'):gmatch('([^\n]*)\n') do
    local command = line:match('^%$ ')
    for i, short in ipairs(folded(line)) do
      if command and i == 1 then short = short:sub(3) end
      lines[#lines + 1] = not command and code(short) or
        (i == 1 and '\\prompt ' or '') .. '\\command{' .. code(short) .. '}'
    end
  end
  return raw(('\\begin{recorded}\n%s\n\\end{recorded}\\recordedon{%s}'):format(set_lines(lines, true),
    escape(system ~= '' and system or 'a system that was not noted')))
end

-- Words in a typewriter face may break where a path or a name has a joint.
function R.code(el)
  local tex = escape(el.text):gsub('\\_(%w)', '\\_\\joint{}%1'):gsub('([/:,.=])(%f[^/:,.=]%w)', '%1\\joint{}%2')
  return raw_inline('\\texttt{' .. tex .. '}')
end

-- --- the other blocks --------------------------------------------------------

function R.figure(f)
  local name = f.src:match('([^/]*)%.svg$')
  return raw(('\\begin{bookfigure}{%s}\n\\bookpicture{%s/pdf/%s.pdf}\n\\bookcaption{Figure %s}{%s}\n\\end{bookfigure}')
    :format(f.id, data.weave, name, f.number, tex_of(f.caption)))
end

-- The frames are written beside the pictures that tangle/print makes.
function R.steps(f)
  local out = { ('\\begin{steps}{%s}{Figure %s}{%s}'):format(f.id, f.number, tex_of(f.caption)) }
  for n, frame in ipairs(f.frames) do
    local name = ('%s-frame-%d'):format(f.name, n)
    data.renew(('%s/frames/%s.svg'):format(data.weave, name), frame.svg)
    out[#out + 1] = ('\\stepframe{%s/pdf/%s.pdf}{%d}{%s}'):format(data.weave, name, n, tex_of(frame.words))
  end
  out[#out + 1] = '\\end{steps}'
  return raw(table.concat(out, '\n'))
end

-- A table's columns are as wide as their words, or share the page by them;
-- the dashes that the author typed do not count.
local function length_of(blocks)
  local text = ''
  pandoc.walk_block(pandoc.Div(blocks), {
    Str = function(s) text = text .. s.text end,
    Space = function() text = text .. ' ' end,
    SoftBreak = function() text = text .. ' ' end,
    RawInline = function(r) text = text .. r.text:gsub('\\joint{}', ''):gsub('\\%a+', ''):gsub('[{}\\]', '') end,
  })
  return utf8.len(text) or #text
end

local function share(tbl)
  local widest, rows = {}, {}
  local function row(r)
    for i, cell in ipairs(r.cells or r[2]) do
      widest[i] = math.max(widest[i] or 4, length_of(cell.contents or cell[5]))
    end
  end
  for _, r in ipairs(tbl.head.rows or tbl.head[2]) do row(r) end
  for _, body in ipairs(tbl.bodies) do
    for _, r in ipairs(body.body) do row(r) end
  end
  local left, open = 76 - 3 * (#widest - 1), #widest
  local total = 0
  for _, w in ipairs(widest) do total = total + w end
  local widths = {}
  if total > left then
    -- What is narrower than its share keeps its width; the others divide the rest.
    local changed = true
    while changed do
      changed = false
      for i, w in ipairs(widest) do
        if not widths[i] and w + 1 <= left / open then
          widths[i] = (w + 1) / 76
          left, open, total, changed = left - w - 1, open - 1, total - w, true
        end
      end
    end
    local all = 0
    for i, w in ipairs(widest) do
      widths[i] = widths[i] or left * w / total / 76
      all = all + widths[i]
    end
    for i, w in ipairs(widths) do widths[i] = w / all end
  end
  for i, spec in ipairs(tbl.colspecs) do tbl.colspecs[i] = { spec[1], widths[i] } end
end

function R.table(tbl, t)
  share(tbl)
  tbl.caption = { short = nil, long = { pandoc.Plain{ pandoc.Str('CAPTION') } } }
  local rows = 0
  for _, body in ipairs(tbl.bodies) do rows = rows + #body.body end
  local tex = pandoc.write(pandoc.Pandoc{ tbl }, 'latex', { wrap_text = 'wrap-none' })
  local caption = ('\\tablecaption{%s}{Table %s}{%s}'):format(t.id, t.number, tex_of(t.caption))
  tex = tex:gsub('\\caption(%b{})', function() return caption end, 1)
  if rows <= 12 then tex = tex:gsub('\\\\\n', '\\\\*\n') end         -- all on one page
  return raw(('\\begin{booktable}{%d}\n%s\\end{booktable}'):format(math.min(rows, 12) + 3, tex))
end

function R.behaviours(tbl)
  for i, spec in ipairs(tbl.colspecs) do tbl.colspecs[i] = { spec[1], i == 1 and 0.6 or 0.1 } end
  local tex = pandoc.write(pandoc.Pandoc{ tbl }, 'latex', { wrap_text = 'wrap-none' })
  return raw('\\begin{behaviours}\n' .. tex .. '\\end{behaviours}')
end

function R.behaviour_note(n) return raw_inline(('\\numberref{note-%d}{note~%d}'):format(n, n)) end

function R.behaviour_notes(notes)
  local items = {}
  for n, blocks in ipairs(notes) do
    items[n] = ('\\item \\anchor{note-%d}%s'):format(n, tex_of(blocks[1].content))
  end
  return raw('\\begin{enumerate}\n' .. table.concat(items, '\n') .. '\n\\end{enumerate}')
end

function R.tabs(tabs)
  local out = pandoc.List{}
  for _, tab in ipairs(tabs) do
    out:extend(around('\\begin{systemtab}{' .. escape(tab.title) .. '}', tab.blocks, '\\end{systemtab}'))
  end
  return out
end

function R.admonition(a)
  return around(('\\begin{%s}{%s}{%s}'):format(a.kind, a.id or '', tex_of(a.title)), a.blocks, ('\\end{%s}'):format(a.kind))
end

function R.why(question, blocks)
  return around('\\begin{why}{' .. tex_of(question) .. '}', blocks, '\\end{why}')
end

function R.solution(blocks)
  if blocks[1] and blocks[1].t == 'Para' then
    blocks[1].content:insert(1, raw_inline('\\solutiontitle '))
  else
    blocks:insert(1, raw('\\solutiontitle'))
  end
  return around('\\begin{solution}', blocks, '\\end{solution}')
end

function R.exercise(e)
  return around(('\\begin{exercise}{%s}{%s}{%s}'):format(e.id, e.number, tex_of(e.title)), e.blocks, '\\end{exercise}')
end

function R.note() end               -- pandoc's own footnotes

function R.ref(content, _, id, kind)
  local macro = kind == 'section' and 'sectionref' or kind == 'ident' and 'identref' or 'numberref'
  local words = tex_of(content)
  if #words < 16 and kind ~= 'ident' then words = '\\mbox{' .. words .. '}' end
  return raw_inline(('\\%s{%s}{%s}'):format(macro, id, words))
end

function R.title(block, chapter)
  local part = chapter and chapter.part
  local before = part and ('\\bookpart{%s}{%s}'):format(part.number, ticks(part.title)) or chapter and not chapter.outside and '' or '\\afterparts'
  -- Names of tables and figures in the PDF are made of this counter.
  local number = chapter and chapter.number or ''
  if number ~= '' then before = before .. ('\\setcounter{chapter}{%d}'):format(tonumber(number) or number:byte()) end
  return { raw(before .. ('\\bookchapter{%s}{%s}{%s}'):format(block.identifier, number, tex_of(block.content))) }
end

function R.header(block)
  local level = ({ [2] = 'section', [3] = 'subsection' })[block.level] or 'subsubsection'
  return { raw(('\\book%s{%s}{%s}'):format(level, block.identifier, tex_of(block.content))) }
end

-- --- indexes -----------------------------------------------------------------

local indexes = {}

local function sorted(rows)
  table.sort(rows, function(a, b) return a.key < b.key end)
  local tex = {}
  for i, row in ipairs(rows) do tex[i] = row.tex end
  return table.concat(tex, '\n')
end

local function pages(ids) return '\\onpages{' .. table.concat(ids, ',') .. '}' end

function indexes.chunks()
  local files, chunks = {}, {}
  for _, id in ipairs(data.order) do
    local part = data.parts[id]
    if part.part == 1 then
      local ids = {}
      for k = 1, part.parts do ids[k] = 'chunk-' .. data.slug[part.name] .. '-' .. k end
      local name = part.root and '\\texttt{' .. escape(part.name):gsub('([/_])', '%1\\joint{}') .. '}' or '\\chunkname{' .. escape(part.name) .. '}'
      local to = part.root and files or chunks
      to[#to + 1] = { key = part.name:lower(), tex = ('\\indexentry{%s}{%s}{%s}'):format(name, pages(ids),
        #part.used > 0 and pages(part.used) or '') }
    end
  end
  return '\\begin{bookindex}\\indexhead{Files}\n' .. sorted(files) .. '\n\\indexhead{Chunks}\n' .. sorted(chunks) .. '\n\\end{bookindex}'
end

function indexes.identifiers()
  local rows = {}
  for name, entry in pairs(data.idents) do
    rows[#rows + 1] = { key = name:lower() .. ' ' .. name, tex = ('\\indexentry{\\texttt{%s}}{%s}{%s}'):format(
      escape(name), pages(entry.defs), #entry.uses > 0 and pages(entry.uses) or '') }
  end
  return '\\begin{bookindex}\n' .. sorted(rows) .. '\n\\end{bookindex}'
end

function indexes.pitfalls()
  local rows = {}
  for i, p in ipairs(data.pitfalls) do
    rows[i] = ('\\indexentry{%s}{\\onpages{%s-pitfall-%d}}{}'):format(ticks(p.title), p.slug, p.number)
  end
  return '\\begin{pitfallindex}\n' .. table.concat(rows, '\n') .. '\n\\end{pitfallindex}'
end

function R.index(of) return raw(indexes[of]()) end

function R.meta() end

return R
