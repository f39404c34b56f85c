-- html.lua - the renderer for the web book and the EPUB.
local data = require 'data'
local R = {}

local epub = FORMAT:match('epub') ~= nil
local here = data.page            -- the page (web) or chapter (EPUB) we are on
local cover = here == 'preface'

local function escape(s)
  return (s:gsub('&', '&amp;'):gsub('<', '&lt;'):gsub('>', '&gt;'):gsub('"', '&quot;'))
end

local function raw(html) return pandoc.RawBlock('html', html) end
local function raw_inline(html) return pandoc.RawInline('html', html) end

local function html_of(blocks_or_inlines)
  local first = blocks_or_inlines[1]
  local is_inline = first and pandoc.utils.type and pandoc.utils.type(first) == 'Inline'
  local blocks = is_inline and { pandoc.Plain(blocks_or_inlines) } or blocks_or_inlines
  return (pandoc.write(pandoc.Pandoc(blocks), 'html', { wrap_text = 'wrap-none' }):gsub('\n$', ''))
end

local function inline_html(inlines)
  return (pandoc.write(pandoc.Pandoc{ pandoc.Plain(inlines) }, 'html'):gsub('%s+$', ''))
end

-- Code in titles is written `so`.
local function ticks(text)
  return (escape(text):gsub('`([^`]*)`', '<code>%1</code>'))
end

-- EPUB: pandoc makes one file per chapter and one for each part's title, in order.
local epub_file, epub_files = {}, 0
for _, chapter in ipairs(data.sequence) do
  epub_files = epub_files + (chapter.part and 2 or 1)
  epub_file[chapter.slug] = ('ch%03d.xhtml'):format(epub_files)
end

local function url(slug, id)
  if slug == here then return '#' .. id end
  if epub then return (epub_file[slug] or '') .. '#' .. id end
  if id == slug then return data.page_url(slug) end
  return data.page_url(slug, id)
end

local function link(slug, id, html, class)
  return ('<a%s href="%s">%s</a>'):format(class and (' class="%s"'):format(class) or '', url(slug, id), html)
end

function R.begin_chapter(slug) here = slug end

-- --- code ------------------------------------------------------------------

-- Highlighted lines, without pandoc's anchors.
local function highlighted(text, language)
  local block = pandoc.CodeBlock(text, pandoc.Attr('x', { language }))
  local html = pandoc.write(pandoc.Pandoc{ block }, 'html')
  local code = html:match('<code[^>]*>(.*)</code>') or escape(text)
  local lines = {}
  for line in (code .. '\n'):gmatch('([^\n]*)\n') do
    local inner = line:match('^<span id="x%-%d+"><a href="#x%-%d+"[^>]*></a>(.*)</span>$')
    lines[#lines + 1] = inner or line
  end
  return lines
end

-- Identifiers become links, outside comments and strings.
local function link_identifiers(line, find)
  local quiet = false
  return (line:gsub('([^<]*)(<?[^>]*>?)', function(text, tag)
    if not quiet then
      text = text:gsub('(&?)([%a_][%w_]*)', function(entity, word)
        local def = entity == '' and find(word)
        if def then return def.html or link(def.slug, def.id, word, 'nw-id') end
      end)
    end
    if tag:match('^<span class="[cs][otch]"') then quiet = true
    elseif tag == '</span>' then quiet = false end
    return text .. tag
  end))
end

local function use_links(line)
  return (line:gsub('Zuse(%d+)Z', function(n)
    local name = data.placeholder[tonumber(n)]
    local part = data.parts['chunk-' .. data.slug[name] .. '-1']
    return link(part.slug, part.id, '⟨' .. escape(name) .. '⟩', 'nw-use')
  end))
end

local function pre(lines, language, label)
  return ('<div class="sourceCode"><pre class="sourceCode %s" tabindex="0"%s><code class="sourceCode %s">%s</code></pre></div>')
    :format(language, label and (' role="region" aria-label="%s"'):format(escape(label)) or '', language, table.concat(lines, '\n'))
end

-- --- chunks ------------------------------------------------------------------

local function file_page(path) return 'files/' .. path:gsub('/', '-') .. '.html' end

local function file_links(part)
  if epub then
    return part.at[1] and ('<span class="nw-file">%s:%d</span>'):format(part.at[1][1], part.at[1][2]) or ''
  end
  local at = part.at[1]
  if not at then return '' end
  return ('<a class="nw-file" href="%s#line-%d">%s:%d</a>'):format(file_page(at[1]), at[2], at[1], at[2]) ..
    (#part.at > 1 and (' <span class="nw-more">and %d more</span>'):format(#part.at - 1) or '')
end

local function part_link(part, text) return link(part.slug, part.id, text) end

local function list_of_parts(ids, except)
  local links, seen = {}, { [except] = true }
  for _, id in ipairs(ids) do
    local part = data.parts[id]
    if not seen[part.name] then
      seen[part.name] = true
      links[#links + 1] = part_link(part, '⟨' .. escape(part.name) .. '⟩')
    end
  end
  return table.concat(links, ', ')
end

local function sibling(part, by)
  return data.parts['chunk-' .. data.slug[part.name] .. '-' .. (part.part + by)]
end

local function chunk_foot(part)
  local said = {}
  local before, after = sibling(part, -1), sibling(part, 1)
  if before then said[#said + 1] = part_link(before, 'Continues part ' .. before.part) end
  if after then said[#said + 1] = 'Continued in ' .. part_link(after, 'part ' .. after.part) end
  if #part.used > 0 then said[#said + 1] = 'Used in ' .. list_of_parts(part.used, part.name) end
  local defs = {}
  for i, ident in ipairs(part.defs) do
    defs[i] = epub and ('<code>%s</code>'):format(ident)
      or ('<a href="identifiers.html#id-%s"><code>%s</code></a>'):format(ident, ident)
  end
  if #defs > 0 then said[#said + 1] = 'Defines ' .. table.concat(defs, ', ') end
  if #said == 0 then return '' end
  return '\n<p class="nw-foot">' .. table.concat(said, '. ') .. '.</p>'
end

function R.chunk(block, part, find)
  local language = block.classes[1]
  local lines = highlighted(block.text, language)
  for i, line in ipairs(lines) do lines[i] = use_links(link_identifiers(line, find)) end
  local number = part.parts > 1 and (' <span class="nw-part">part %d of %d</span>'):format(part.part, part.parts) or ''
  local name = part.root and '<span class="nw-kind">file</span> ' .. escape(part.name) or escape(part.name)
  return raw(('<figure class="nw-chunk%s" id="%s">\n<figcaption class="nw-head"><a class="nw-name" href="#%s">%s</a>%s %s</figcaption>\n%s%s\n</figure>')
    :format(part.root and ' nw-root' or '', part.id, part.id, name, number, file_links(part),
            pre(lines, language, 'Code: ' .. part.name .. (part.parts > 1 and ', part ' .. part.part or '')), chunk_foot(part)))
end

function R.chunk_ref(name, part)
  return raw_inline(link(part.slug, part.id, '⟨' .. escape(name) .. '⟩', 'nw-ref'))
end

local listing_count = 0
function R.listing(block)
  listing_count = listing_count + 1
  local language = block.classes[1] or 'text'
  return raw('<div class="listing">' .. pre(highlighted(block.text, language), language, 'Listing ' .. listing_count) .. '</div>')
end

-- `own` are the names that are found by an id in the listing: own[1], ..., and own[name].
function R.signature(block, own, find)
  local lines = highlighted(block.text, 'c')
  for i, line in ipairs(lines) do
    lines[i] = link_identifiers(line, function(word)
      if not own[word] then return find(word) end
      own[word] = nil
      return { html = ('<span id="%s">%s</span>'):format(word, word) }
    end)
  end
  listing_count = listing_count + 1
  return raw('<div class="listing">' .. pre(lines, 'c', 'Declaration ' .. listing_count) .. '</div>')
end

function R.recorded(name, transcript, system)
  local lines = {}
  for line in (transcript .. '\n'):gmatch('([^\n]*)\n') do
    local command = line:match('^%$ (.*)$')
    lines[#lines + 1] = command and '<span class="prompt">$</span> <b class="cmd">' .. escape(command) .. '</b>' or escape(line)
  end
  return raw(('<figure class="recorded" id="recorded-%s">\n<pre class="console" tabindex="0" role="region" aria-label="Recorded output: %s"><code>%s</code></pre>\n<figcaption>Recorded on %s.</figcaption>\n</figure>')
    :format(name, name, table.concat(lines, '\n'), escape(system ~= '' and system or 'a system that was not noted')))
end

-- --- the other blocks --------------------------------------------------------

-- A drawing as an element of the page that says what it shows.
local function inlined(svg, says)
  svg = svg:gsub('^.-<svg', '<svg'):gsub('<title>.-</title>', '', 1):gsub('<!%-%-.-%-%->', '')
  return (svg:gsub('<svg', function(tag) return tag .. ' role="img" ' .. says end, 1))
end

-- On the web a figure is part of the page, so that it takes the page's
-- colours; in the EPUB it is a picture.
function R.figure(f)
  local caption = ('<figcaption><a class="num" href="#%s">Figure %s</a> %s</figcaption>'):format(f.id, f.number, inline_html(f.caption))
  if epub then
    return { raw(('<figure class="figure" id="%s">'):format(f.id)),
      pandoc.Plain{ pandoc.Image({ pandoc.Str(f.alt) }, f.src) }, raw(caption .. '</figure>') }
  end
  local svg = inlined(data.read(data.book .. '/' .. f.src), ('aria-label="%s"'):format(escape(f.alt)))
  return raw(('<figure class="figure" id="%s">\n<div class="figure-scroll" tabindex="0" role="group" aria-label="Figure %s">%s</div>\n%s\n</figure>')
    :format(f.id, f.number, svg, caption))
end

-- All frames below one another, each with its words; book.js makes one picture
-- with buttons of them. The figure's text alternative names the group of frames,
-- a frame's words describe the frame.
function R.steps(f)
  local out = pandoc.List{ raw(('<figure class="figure steps" id="%s">\n<figcaption><a class="num" href="#%s">Figure %s</a> %s</figcaption>\n<div class="frames" role="group" aria-label="%s">')
    :format(f.id, f.id, f.number, inline_html(f.caption), escape(f.alt))) }
  for n, frame in ipairs(f.frames) do
    local id = f.id .. '-' .. n
    out:insert(raw(('<div class="frame%s">'):format(n == 1 and ' now' or '')))
    if epub then
      local src = ('figures/%s-frame-%d.svg'):format(f.name, n)
      pandoc.mediabag.insert(src, 'image/svg+xml', frame.svg)
      out:insert(pandoc.Plain{ pandoc.Image({ pandoc.Str(pandoc.utils.stringify(frame.words)) }, src) })
    else
      out:insert(raw(('<div class="figure-scroll" tabindex="0" role="group" aria-label="Figure %s, frame %d">%s</div>')
        :format(f.number, n, inlined(frame.svg, ('aria-label="Frame %d" aria-describedby="%s"'):format(n, id)))))
    end
    out:insert(raw(('<p class="frame-words" id="%s"><b class="frame-number">%d</b> %s</p>\n</div>'):format(id, n, inline_html(frame.words))))
  end
  out:insert(raw('</div>\n</figure>'))
  return out
end

function R.table(tbl, t)
  if epub then        -- pandoc leads links in raw HTML nowhere
    local caption = pandoc.List{ pandoc.Strong{ pandoc.Str('Table ' .. t.number) }, pandoc.Space() }
    caption:extend(t.caption)
    tbl.caption = { long = { pandoc.Plain(caption) } }
    return pandoc.Div({ tbl }, pandoc.Attr(t.id, { 'table' }))
  end
  local html = html_of{ tbl }
  local caption = ('<caption><a class="num" href="#%s">Table %s</a> %s</caption>'):format(t.id, t.number, inline_html(t.caption))
  html = html:gsub('<table[^>]*>', function(tag) return tag .. '\n' .. caption end, 1)
  return raw(('<div class="table" id="%s" tabindex="0" role="region" aria-label="Table %s">\n%s\n</div>'):format(t.id, t.number, html))
end

-- A table without a number. A narrow screen scrolls it, and so does the keyboard.
function R.open_table(tbl, name)
  if epub then return end
  return raw(('<div class="table" tabindex="0" role="region" aria-label="%s">\n%s\n</div>'):format(name, html_of{ tbl }))
end

-- Four narrow columns beside a sentence: no scrolling, not even on a telephone.
function R.behaviours(tbl, of)
  local html = html_of{ tbl }:gsub('<table[^>]*>', ('<table class="behaviours" aria-label="What became of each behaviour: %s">'):format(of), 1)
  local head, body = html:match('^(.*<tbody>)(.*)$')
  return raw(head:gsub('<th([ >])', '<th scope="col"%1') .. body:gsub('<th([ >])', '<th scope="row"%1'))
end

function R.behaviour_note(n)
  return raw_inline(('<a href="#note-%d">note %d</a>'):format(n, n))
end

function R.behaviour_notes(notes)
  local items = {}
  for n, blocks in ipairs(notes) do items[n] = ('<li id="note-%d">%s</li>'):format(n, html_of(blocks)) end
  return raw('<ol class="behaviour-notes">\n' .. table.concat(items, '\n') .. '\n</ol>')
end

local tab_sets = 0
function R.tabs(tabs)
  local out = pandoc.List{}
  if epub then
    for _, tab in ipairs(tabs) do
      out:insert(raw(('<section class="tab-panel"><p class="tab-title">%s</p>'):format(escape(tab.title))))
      out:extend(tab.blocks)
      out:insert(raw('</section>'))
    end
    return out
  end
  tab_sets = tab_sets + 1
  local name = here .. '-tabs-' .. tab_sets
  local head = ('<div class="tabs" role="group" aria-label="The same for each system">\n')
  for i, tab in ipairs(tabs) do
    head = head .. ('<input class="tab-in" type="radio" name="%s" id="%s-%s" data-os="%s"%s><label for="%s-%s">%s</label>\n')
      :format(name, name, tab.os, tab.os, i == 1 and ' checked' or '', name, tab.os, escape(tab.title))
  end
  out:insert(raw(head))
  for _, tab in ipairs(tabs) do
    out:insert(raw(('<section class="tab-panel" data-os="%s" aria-label="%s">'):format(tab.os, escape(tab.title))))
    out:extend(tab.blocks)
    out:insert(raw('</section>'))
  end
  out:insert(raw('</div>'))
  return out
end

function R.admonition(a)
  local id = a.id and (' id="%s"'):format(a.id) or ''
  local kind = a.kind == 'pitfall' and 'Pitfall' or 'Note'
  local out = pandoc.List{ raw(('<div class="%s" role="note"%s><p class="adm-title"><span class="adm-kind">%s</span> %s</p>')
    :format(a.kind, id, kind, inline_html(a.title))) }
  out:extend(a.blocks)
  out:insert(raw('</div>'))
  return out
end

local function folded(class, summary, blocks)
  local open, close = '<details class="%s"><summary>%s</summary>', '</details>'
  if epub then open, close = '<section class="%s"><p class="adm-title">%s</p>', '</section>' end
  local out = pandoc.List{ raw(open:format(class, summary)) }
  out:extend(blocks)
  out:insert(raw(close))
  return out
end

function R.why(question, blocks) return folded('why', inline_html(question), blocks) end
function R.solution(blocks) return folded('solution', 'Solution', blocks) end

function R.exercise(e)
  local out = pandoc.List{ raw(('<section class="exercise" id="%s" aria-label="Exercise %s"><p class="adm-title"><span class="adm-kind">Exercise %s</span> %s</p>')
    :format(e.id, e.number, e.number, inline_html(e.title))) }
  out:extend(e.blocks)
  out:insert(raw('</section>'))
  return out
end

function R.note(n, blocks, slug)
  if epub then return end           -- pandoc's own notes are right there
  local words = pandoc.utils.blocks_to_inlines(blocks)
  local id = slug .. '-sn-' .. n
  return raw_inline(('<sup class="sn-ref"><a id="%sref" href="#%s" aria-label="side note %d">%d</a></sup><span class="sidenote" id="%s" role="note"><span class="sn-num">%d</span> %s <a class="sn-back" href="#%sref" aria-label="back to the text of side note %d">↩</a></span>')
    :format(id, id, n, n, id, n, inline_html(words), id, n))
end

function R.ref(content, slug, id, kind)
  return raw_inline(link(slug, id, inline_html(content), kind == 'ident' and 'nw-ident' or nil))
end

local function permalink(id, words)
  if epub then return pandoc.Str('') end
  return raw_inline((' <a class="permalink" href="#%s" aria-label="Link to “%s”">#</a>'):format(id, escape(words)))
end

local in_part                     -- in the EPUB
function R.title(block, chapter)
  if not epub then
    block.content:insert(permalink(block.identifier, pandoc.utils.stringify(block)))
    return { block }
  end
  -- A reader's contents nest as the headings do, and pandoc begins a file with the
  -- first two levels: a part, and a chapter in it. What stands outside the parts is
  -- of level 1; sections are of level 3.
  local part = chapter and chapter.part
  in_part = chapter and not chapter.outside and (in_part or part)
  if in_part then block.level = 2 end
  if chapter and chapter.number ~= '' then block.content = pandoc.List{ pandoc.Str(chapter.number .. ' ') } .. block.content end
  return part and { pandoc.Header(1, { pandoc.Str(('Part %s. %s'):format(part.number, part.title)) }, pandoc.Attr('part-' .. part.number)), block }
    or { block }
end

function R.header(block)
  if epub then block.level = block.level + 1
  else block.content:insert(permalink(block.identifier, pandoc.utils.stringify(block))) end
  return { block }
end

-- --- indexes -----------------------------------------------------------------

local indexes = {}

function indexes.chunks()
  local rows = {}
  for _, id in ipairs(data.order) do
    local part = data.parts[id]
    if part.part == 1 then
      local parts = {}
      for k = 1, part.parts do
        local p = data.parts['chunk-' .. data.slug[part.name] .. '-' .. k]
        local chapter = data.chapters[p.slug]
        parts[k] = link(p.slug, p.id, part.parts > 1 and 'part ' .. k or (chapter.number ~= '' and data.called(chapter):gsub('^%u', string.lower) or ticks(chapter.title)))
      end
      local used = #part.used > 0 and ' <span class="ix-used">used in ' .. list_of_parts(part.used, part.name) .. '</span>' or ''
      rows[#rows + 1] = { key = part.name:lower(), root = part.root,
        html = ('<li><span class="ix-name">%s</span> %s%s</li>'):format(
          part.root and '<code>' .. escape(part.name) .. '</code>' or '⟨' .. escape(part.name) .. '⟩', table.concat(parts, ', '), used) }
    end
  end
  table.sort(rows, function(a, b) return a.key < b.key end)
  local files, chunks = {}, {}
  for _, row in ipairs(rows) do
    local to = row.root and files or chunks
    to[#to + 1] = row.html
  end
  return '<h2 id="chunks-files">Files</h2>\n<ul class="ix">\n' .. table.concat(files, '\n') ..
    '\n</ul>\n<h2 id="chunks-chunks">Chunks</h2>\n<ul class="ix">\n' .. table.concat(chunks, '\n') .. '\n</ul>'
end

function indexes.identifiers()
  local names = {}
  for name in pairs(data.idents) do names[#names + 1] = name end
  table.sort(names, function(a, b) return a:lower() .. ' ' .. a < b:lower() .. ' ' .. b end)
  local rows = {}
  for i, name in ipairs(names) do
    local entry, defs, uses = data.idents[name], {}, {}
    for k, id in ipairs(entry.defs) do defs[k] = part_link(data.parts[id], '⟨' .. escape(data.parts[id].name) .. '⟩') end
    for _, id in ipairs(entry.uses) do
      uses[#uses + 1] = part_link(data.parts[id], '⟨' .. escape(data.parts[id].name) .. '⟩' .. (data.parts[id].parts > 1 and ' ' .. data.parts[id].part or ''))
    end
    rows[i] = ('<li id="id-%s"><code class="ix-name">%s</code> defined in %s%s</li>'):format(name, name, table.concat(defs, ', '),
      #uses > 0 and ' <span class="ix-used">used in ' .. table.concat(uses, ', ') .. '</span>' or '')
  end
  return '<ul class="ix">\n' .. table.concat(rows, '\n') .. '\n</ul>'
end

function indexes.pitfalls()
  local rows = {}
  for i, p in ipairs(data.pitfalls) do
    local chapter = data.chapters[p.slug]
    rows[i] = ('<li>%s <span class="ix-used">%s</span></li>'):format(
      link(p.slug, p.slug .. '-pitfall-' .. p.number, ticks(p.title)), ticks(chapter.title))
  end
  return '<ul class="ix">\n' .. table.concat(rows, '\n') .. '\n</ul>'
end

function R.index(of) return raw(indexes[of]()) end

-- --- a tangled file, every chunk in it linked to where it is explained ---------

function R.file(path)
  local text = data.read(data.generated .. '/' .. path):gsub('\n$', '')
  local language = ({ h = 'c', c = 'c', sh = 'bash' })[path:match('%.(%w+)$')] or 'text'
  local lines = highlighted(text, language)
  local root = data.parts['chunk-' .. data.slug[path] .. '-1']
  for i, line in ipairs(lines) do
    local name, k = line:match('&lt;&lt;(.-)&gt;&gt; %((%d+) of %d+%)')
    local part = name and data.parts['chunk-' .. (data.slug[name] or '') .. '-' .. k] or (i == 1 and root)
    if part then
      line = line:gsub('/%*.*%*/', function(comment)
        return ('<a class="nw-back" href="../%s">%s</a>'):format(data.page_url(part.slug, part.id), comment)
      end, 1)
    end
    lines[i] = ('<span id="line-%d"><a href="#line-%d" aria-label="line %d"></a>%s</span>'):format(i, i, i, line)
  end
  return raw(('<div class="sourceCode"><pre class="sourceCode numberSource %s numberLines lineAnchors" tabindex="0" role="region" aria-label="%s"><code class="sourceCode %s">%s</code></pre></div>')
    :format(language, escape(path), language, table.concat(lines, '\n')))
end

-- --- the frame of a page -----------------------------------------------------

local function numbered(c)
  return (c.number and c.number ~= '' and ('<span class="toc-num">%s</span> '):format(c.number) or '') .. ticks(c.title)
end

local function nav(root)
  local function item(c, inner)
    local current = c.slug == data.page
    return ('<li%s><a href="%s%s"%s>%s</a>%s</li>'):format(current and ' class="current"' or '', root, data.page_url(c.slug),
      current and ' aria-current="page"' or '', numbered(c), inner or '')
  end
  local rows, open = {}, ''
  for _, c in ipairs(data.sequence) do
    local subs = {}
    for _, s in ipairs(c.sections) do
      if s.level == 2 then
        subs[#subs + 1] = ('<li><a href="%s%s">%s</a></li>'):format(root, data.page_url(c.slug, c.slug .. '-' .. s.id), ticks(s.title))
      end
    end
    if c.outside and open ~= '' then
      rows[#rows + 1] = open
      open = ''
    end
    if c.part then
      rows[#rows + 1] = ('%s<li class="toc-part"><span>Part %s. %s</span><ol class="toc-chapters">'):format(open, c.part.number, ticks(c.part.title))
      open = '</ol></li>\n'
    end
    rows[#rows + 1] = item(c, #subs > 0 and '<ol class="toc-sections">' .. table.concat(subs) .. '</ol>' or '')
  end
  rows[#rows + 1] = open
  for _, c in ipairs(data.back) do rows[#rows + 1] = item(c) end
  return '<ol class="toc">' .. table.concat(rows, '\n') .. '</ol>'
end

local function neighbours()
  local all = {}
  for _, c in ipairs(data.sequence) do all[#all + 1] = c end
  for _, c in ipairs(data.back) do all[#all + 1] = c end
  for i, c in ipairs(all) do
    if c.slug == data.page then return all[i - 1], all[i + 1] end
  end
end

local function meta_html(html) return pandoc.MetaInlines{ raw_inline(html) } end

function R.meta(meta)
  if epub or data.page == '' then return end
  local root = data.page:match('^files/') and '../' or ''
  meta.root = meta_html(root)
  meta.nav = meta_html(nav(root))
  meta.slug = meta_html(data.page)
  local chapter = data.chapters[data.page]
  if chapter and chapter.number ~= '' then meta.kicker = data.called(chapter) end
  local before, after = neighbours()
  for side, c in pairs{ prev = before, next = after } do
    meta[side .. '-url'] = meta_html(root .. data.page_url(c.slug))
    meta[side .. '-title'] = meta_html(numbered(c))
  end
end

return R
