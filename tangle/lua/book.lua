-- book.lua - the pandoc filter that makes a book of a woven chapter.
--
-- It resolves what only the whole book knows (chunks, labels, numbers) and
-- leaves the look to a renderer: html.lua (web, EPUB) or latex.lua (PDF).
--
-- Environment:  WEAVE   the folder that tangle/weave prepared
--               PAGE    the page being made, as its slug; empty for a format
--                       that has all chapters in one document
--               FIGURES the folder of the figures

local here = PANDOC_SCRIPT_FILE:match('^(.*)/') or '.'
package.path = here .. '/?.lua;' .. package.path
local data = require 'data'
local frames = require 'frames'
local R = require(FORMAT:match('latex') and 'latex' or 'html')

local slug = data.page            -- the chapter we are in
local rules                       -- what becomes of each kind of element
local note_count = 0
local pitfall_count = {}

local function warn(message)
  io.stderr:write(slug .. ': ' .. message .. '\n')
  os.exit(1)
end

local function inlines(markdown)
  local block = pandoc.read(markdown, 'markdown').blocks[1]
  return block and block.content or pandoc.List{}
end

local function has_class(el, class)
  return el.classes and el.classes:includes(class)
end

-- Where a label leads: page, id, and the words to print when the author gave
-- none.
local function target(label)
  local kind, name = label:match('^(%a+):(.+)$')
  if kind then
    local found = data.labels[label]
    local word = ({fig = 'Figure', tab = 'Table', exr = 'Exercise'})[kind]
    return found and found.slug, kind .. '-' .. name, found and word .. ' ' .. found.number
  end
  local chapter = data.chapters[label]
  if chapter then return label, label, data.called(chapter) end
  local section = data.sections[slug .. '-' .. label] or data.sections[label]
  if section then return section.slug, section.slug .. '-' .. section.id, '“' .. section.title:gsub('`', '') .. '”' end
end

local function without_links(content)
  return pandoc.walk_block(pandoc.Plain(content), {
    Link = function(l) return l.content end
  }).content
end

-- The definition of an identifier that a reader at this place would mean:
-- the last one up to here, else the first of all.
local function definition_of(ident, order)
  local entry = data.idents[ident]
  if not entry then return end
  local best = entry.defs[1]
  for _, id in ipairs(entry.defs) do
    if data.parts[id].order <= order then best = id end
  end
  return data.parts[best]
end

local function last_part_here()
  local order = 0
  for _, part in pairs(data.parts) do
    if part.slug == slug and part.order > order then order = part.order end
  end
  return order
end

local function chunk(block)
  local part = data.parts[block.identifier]
  if not part then warn('no chunk ' .. block.identifier) end
  return R.chunk(block, part, function(ident)
    local def = definition_of(ident, part.order)
    if def and def.name ~= part.name then return def end
  end)
end

local function recorded(block)
  local name = block.attributes.recorded
  local base = data.book .. '/recorded/' .. name
  local out = data.read(base .. '.out')
  if not out then warn('nothing recorded as ' .. base .. '.out') end
  return R.recorded(name, out:gsub('\n$', ''), (data.read(base .. '.sys') or ''):gsub('%s+$', ''))
end

-- What a proof wrote of its run, as Markdown of its own.
local reported, reported_tables
local function report(block)
  reported, reported_tables = block.attributes.of, 0
  local path = data.book .. '/reports/' .. reported .. '.md'
  local doc = pandoc.read(data.read(path) or warn('there is no ' .. path), 'markdown')
  return pandoc.walk_block(pandoc.Div(doc.blocks), rules).content
end

-- A function of a test, as it stands in its file.
local function excerpt(block)
  local path = block.attributes.file
  local text = '\n' .. (data.read(path) or warn('there is no ' .. path))
  local at = text:find('\n' .. block.attributes.from, 1, true) or warn(('no "%s" in %s'):format(block.attributes.from, path))
  return R.listing(pandoc.CodeBlock(text:match('.-\n}', at):sub(2), { class = 'c' }))
end

-- What the conformance suite found: the rows of one of its groups, or the notes.
-- tests/behaviours says what a line of the table is.
local behaviours = { notes = {}, groups = {} }

local function read_behaviours()
  for line in (data.read(data.book .. '/recorded/behaviours.table') or ''):gmatch('([^\n]+)') do
    local f = {}
    for field in (line .. '\t'):gmatch('([^\t]*)\t') do f[#f + 1] = field end
    if f[1] == 'note' then behaviours.notes[#behaviours.notes + 1] = f[3]
    else
      behaviours.groups[f[1]] = behaviours.groups[f[1]] or {}
      table.insert(behaviours.groups[f[1]], { table.unpack(f, 2) })
    end
  end
end

-- Names with an underscore are code.
local function sentence(text)
  return inlines((text:gsub('%u[%u%d]*_[%u%d_]+', '`%0`')))
end

local function behaviour_rows(block)
  local of, said = block.attributes.of, pandoc.List{}
  if of == 'notes' then
    for n, words in ipairs(behaviours.notes) do said[n] = { pandoc.Plain(sentence(words .. '.')) } end
    return R.behaviour_notes(said)
  end
  for _, row in ipairs(behaviours.groups[of] or warn('no behaviours of ' .. of)) do
    local cells = { { pandoc.Plain(sentence(row[1])) } }
    for i = 2, #row do
      local n = tonumber(row[i])
      cells[i] = { pandoc.Plain(n and { R.behaviour_note(n) } or { pandoc.Str(row[i]) }) }
    end
    said:insert(cells)
  end
  local head = { {}, { pandoc.Plain{ pandoc.Str('epoll') } } }
  for i, words in ipairs{ 'kqueue, FreeBSD', 'kqueue, NetBSD', 'IOCP' } do head[i + 2] = { pandoc.Plain(inlines(words)) } end
  head[1] = { pandoc.Plain{ pandoc.Str('behaviour') } }
  local left = pandoc.AlignDefault
  local tbl = pandoc.utils.from_simple_table(pandoc.SimpleTable({}, { left, left, left, left, left }, { 0, 0, 0, 0, 0 }, head, said))
  tbl.bodies[1].row_head_columns = 1
  return R.behaviours(tbl, of)
end

-- A declaration in the reference: names in it lead to theirs.
local function signature(block)
  local own = {}
  for name in block.attributes.anchors:gmatch('%S+') do
    own[#own + 1] = name
    own[name] = true
  end
  return R.signature(block, own, function(word)
    if data.names[word] and not own[word] and word ~= block.attributes.of then return { slug = 'reference', id = word } end
  end)
end

-- Where the book explains a function: where it is declared, and where else it is defined.
local function where(el)
  local parts, seen, out = {}, {}, pandoc.List{}
  local function add(part)
    if part and not seen[part.id] then parts[#parts + 1] = part; seen[part.id] = true end
  end
  add(data.parts[('chunk-%s-%s'):format(data.slug[el.attributes.chunk] or '', el.attributes.part)])
  for name in el.attributes.names:gmatch('%S+') do
    for _, id in ipairs((data.idents[name] or { defs = {} }).defs) do add(data.parts[id]) end
  end
  table.sort(parts, function(a, b) return a.order < b.order end)
  for i, part in ipairs(parts) do
    local chapter = data.chapters[part.slug]
    if i > 1 then out:extend{ pandoc.Str(';'), pandoc.Space() } end
    out:extend{ R.ref({ pandoc.Str((data.called(chapter):gsub(' ', utf8.char(160)))) }, part.slug, part.slug, 'chapter'),
      pandoc.Str(','), pandoc.Space(), R.chunk_ref(part.name, part) }
  end
  return out
end

local function figure(image)
  local label = data.labels[image.identifier]
  if not label then warn('no figure ' .. image.identifier) end
  return R.figure{ id = image.identifier:gsub(':', '-'), number = label.number,
    caption = image.caption, alt = image.attributes.alt or '', src = image.src }
end

-- A figure in key frames: one drawing, and a list of what happens in each.
local function steps(el)
  local label = data.labels[el.identifier]
  local list = el.content[1]
  local svg = data.read(data.book .. '/' .. el.attributes.src)
  if not (label and svg and list and list.t == 'OrderedList') then warn('no steps ' .. el.identifier) end
  local caption = pandoc.walk_block(pandoc.Plain(inlines(el.attributes.caption)), rules).content
  local shown = {}
  for n, blocks in ipairs(list.content) do
    shown[n] = { svg = frames.frame(svg, n), words = pandoc.utils.blocks_to_inlines(blocks) }
  end
  return R.steps{ id = el.identifier:gsub(':', '-'), number = label.number, caption = caption,
    alt = el.attributes.alt, name = el.attributes.src:match('([^/]*)%.svg$'), frames = shown }
end

-- pandoc 2 leaves {#tab:x} in the caption's words; newer ones may take it off.
local function table_block(tbl)
  local label = tbl.identifier or ''
  local caption = tbl.caption.long[1] and tbl.caption.long[1].content or pandoc.List{}
  local last = caption[#caption]
  local found = last and last.t == 'Str' and last.text:match('^{#(tab:[%w-]+)}$')
  if found then
    label = found
    caption:remove(#caption)
    if #caption > 0 and caption[#caption].t == 'Space' then caption:remove(#caption) end
  end
  local known = data.labels[label]
  if not known and reported and R.open_table then
    reported_tables = reported_tables + 1
    return R.open_table(tbl, ('Table %d of the report: %s'):format(reported_tables, reported))
  end
  if not known then return end
  tbl.caption = { short = nil, long = {} }
  tbl.identifier = ''
  return R.table(tbl, { id = label:gsub(':', '-'), number = known.number, caption = caption })
end

local function div(el)
  if has_class(el, 'steps') then
    return steps(el)
  elseif has_class(el, 'tabs') then
    local tabs = {}
    for _, child in ipairs(el.content) do
      if child.t == 'Div' then
        tabs[#tabs + 1] = { os = child.attributes.os, title = child.attributes.title, blocks = child.content }
      end
    end
    return R.tabs(tabs)
  elseif has_class(el, 'pitfall') then
    pitfall_count[slug] = (pitfall_count[slug] or 0) + 1
    return R.admonition{ kind = 'pitfall', title = inlines(el.attributes.title), blocks = el.content,
      id = slug .. '-pitfall-' .. pitfall_count[slug] }
  elseif has_class(el, 'note') then
    return R.admonition{ kind = 'note', title = inlines(el.attributes.title), blocks = el.content }
  elseif has_class(el, 'why') then
    return R.why(inlines(el.attributes.q), el.content)
  elseif has_class(el, 'exercise') then
    return R.exercise{ id = el.identifier:gsub(':', '-'), number = data.labels[el.identifier].number,
      title = inlines(el.attributes.title), blocks = el.content }
  elseif has_class(el, 'solution') then
    return R.solution(el.content)
  elseif has_class(el, 'nw-index') then
    return R.index(el.attributes.of)
  elseif has_class(el, 'nw-file') then
    return R.file(el.attributes.path)
  end
end

rules = {
  CodeBlock = function(block)
    if has_class(block, 'nw') then return chunk(block) end
    if has_class(block, 'nw-signature') then return signature(block) end
    if block.attributes.recorded then return recorded(block) end
    if has_class(block, 'behaviours') then return behaviour_rows(block) end
    if has_class(block, 'report') then return report(block) end
    if has_class(block, 'excerpt') then return excerpt(block) end
    return R.listing(block)
  end,
  Para = function(para)
    local only = para.content[1]
    if #para.content == 1 and only.t == 'Image' and only.identifier:match('^fig:') then return figure(only) end
  end,
  Table = table_block,
  Div = div,
  Link = function(link)
    local content = without_links(link.content)
    local label = link.target:match('^#(.+)$')
    if not label or label:match('^ref%-') then link.content = content; return link end
    local page, id, words = target(label)
    if not page then warn('nothing has the label #' .. label) end
    if #content == 0 then content = { pandoc.Str((words:gsub(' ', utf8.char(160)))) } end
    return R.ref(content, page, id, label:match('^(%a+):') or 'section')
  end,
  Span = function(span)
    if has_class(span, 'nw-where') then return where(span) end
    if has_class(span, 'nw-name') then
      local name = pandoc.utils.stringify(span.content)
      return R.ref({ R.code and R.code(pandoc.Code(name)) or pandoc.Code(name) }, 'reference', name, 'ident')
    end
    if slug == 'reference' and span.identifier ~= '' and R.anchored then return R.anchored(span) end
    if not has_class(span, 'chunk') then return end
    local name = pandoc.utils.stringify(span.content)
    local part = data.parts['chunk-' .. (data.slug[name] or '') .. '-1']
    if not part then warn('no chunk <<' .. name .. '>>') end
    return R.chunk_ref(name, part)
  end,
  Code = function(code)
    local def = slug ~= 'reference' and definition_of(code.text, last_part_here())
    local shown = R.code and R.code(code) or code
    return def and R.ref({ shown }, def.slug, def.id, 'ident') or shown
  end,
  Note = function(note)
    note_count = note_count + 1
    return R.note(note_count, note.content, slug)
  end,
}
if FORMAT:match('latex') then rules.Note = nil end

local function header(block)
  if block.level == 1 then
    slug = block.identifier
    R.begin_chapter(slug)
    block.attributes = {}
    block.classes = {}
    return R.title(block, data.chapters[slug])
  end
  block.identifier = data.section_id(slug, block.identifier)
  return R.header(block)
end

-- The words of a block, with those the tools write for its references; paragraphs
-- and cells apart, and a table's caption without its label (see table_block).
local function words_of(block)
  local function apart(b) b.content:insert(pandoc.Space()); return b end
  local seen = pandoc.walk_block(pandoc.Div{ block }, {
    Para = apart, Plain = apart,
    Str = function(s) if s.text:match('^{#tab:[%w-]+}$') then return {} end end,
    Link = function(l)
      if #l.content == 0 then return pandoc.Str(select(3, target(l.target:sub(2))) or '') end
    end,
  })
  return (pandoc.utils.stringify(seen):gsub('%s+$', ''))
end

-- What the search finds: one entry per section, and one per function of the reference.
local function search_entries(blocks)
  local entries, current = {}, nil
  for _, block in ipairs(blocks) do
    if block.t == 'Header' and (block.level <= 2 or data.page == 'reference') then
      local id = block.level == 1 and block.identifier or data.section_id(data.page, block.identifier)
      current = { u = data.page_url(data.page, id), t = pandoc.utils.stringify(block), x = {} }
      entries[#entries + 1] = current
    elseif current then
      local text = words_of(block)
      pandoc.walk_block(pandoc.Div{ block }, {
        CodeBlock = function(code)
          local shown = code.attributes.recorded and data.read(data.book .. '/recorded/' .. code.attributes.recorded .. '.out')
          local part = data.parts[code.identifier]
          if has_class(code, 'report') then text = text .. ' ' .. data.read(data.book .. '/reports/' .. code.attributes.of .. '.md') end
          for _, row in ipairs(has_class(code, 'behaviours') and behaviours.groups[code.attributes.of] or {}) do
            text = text .. ' ' .. row[1] .. '.'
          end
          text = text .. ' ' .. (part and part.name .. ' ' or '') .. (shown or code.text):gsub('Zuse%d+Z', '')
        end,
        Div = function(el)
          if has_class(el, 'steps') then text = pandoc.utils.stringify(inlines(el.attributes.caption)) .. ' ' .. text end
        end,
      })
      current.x[#current.x + 1] = text
    end
  end
  return entries
end

local function json(s)
  return '"' .. s:gsub('[%c%s]+', ' '):gsub('\\', '\\\\'):gsub('"', '\\"'):gsub('</', '<\\/') .. '"'
end

local function write_search(doc)
  local chapter = data.chapters[data.page]
  local name = (chapter.number ~= '' and chapter.number .. ' ' or '') .. chapter.title
  local file = io.open(data.weave .. '/search/' .. data.page .. '.js', 'w')
  for _, e in ipairs(search_entries(doc.blocks)) do
    file:write(('{"u":%s,"t":%s,"c":%s,"x":%s},\n'):format(json(e.u), json(e.t), json(name:gsub('`', '')), json(table.concat(e.x, ' '))))
  end
  file:close()
end

function Pandoc(doc)
  read_behaviours()
  if data.chapters[data.page] then write_search(doc) end
  local out = pandoc.List{}
  for _, block in ipairs(doc.blocks) do
    if block.t == 'Header' then
      out:extend(header(block))
    else
      -- A walk does not visit its own root, so each block gets one.
      out:extend(pandoc.walk_block(pandoc.Div{ block }, rules).content)
    end
  end
  doc.blocks = out
  R.meta(doc.meta)
  return doc
end
