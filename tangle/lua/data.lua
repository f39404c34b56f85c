-- data.lua - what the whole book knows, as tangle/weave prepared it.
local M = {}

M.weave = os.getenv('WEAVE')
M.page = os.getenv('PAGE') or ''
M.book = os.getenv('BOOK') or 'book'
M.generated = os.getenv('GENERATED') or 'generated'

function M.read(path)
  local file = io.open(path, 'rb')
  if not file then return end
  local text = file:read('a')
  file:close()
  return text
end

-- Write a file only when it changes, so that what is made of it can stay.
function M.renew(path, text)
  if M.read(path) == text then return end
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
end

local chunks = dofile(M.weave .. '/chunks.lua')
M.parts, M.order, M.slug, M.placeholder, M.idents =
  chunks.parts, chunks.order, chunks.slug, chunks.placeholder, chunks.idents

M.chapters, M.sequence, M.sections, M.labels, M.pitfalls, M.names = {}, {}, {}, {}, {}, {}

local add = {
  chapter = function(slug, number, title, file)
    local last = M.sequence[#M.sequence]
    local c = { slug = slug, number = number, title = title, file = file, sections = {} }
    -- An appendix, and what comes after it, is in no part.
    c.outside = number:match('^%u$') or number == '' and last and last.number ~= '' or last and last.outside
    M.chapters[slug] = c
    M.sequence[#M.sequence + 1] = c
  end,
  part = function(number, title, slug)
    M.chapters[slug].part = { number = number, title = title }
  end,
  section = function(slug, id, level, title)
    M.sections[slug .. '-' .. id] = { slug = slug, id = id, level = tonumber(level), title = title }
    M.sections[#M.sections + 1] = M.sections[slug .. '-' .. id]
  end,
  label = function(kind, name, slug, number)
    M.labels[kind .. ':' .. name] = { slug = slug, number = number }
  end,
  name = function(name) M.names[name] = true end,      -- in the reference
  pitfall = function(slug, number, title)
    M.pitfalls[#M.pitfalls + 1] = { slug = slug, number = number, title = title }
  end,
}
for line in io.lines(M.weave .. '/facts') do
  local f = {}
  for field in (line .. '\t'):gmatch('([^\t]*)\t') do f[#f + 1] = field end
  if add[f[1]] then add[f[1]](table.unpack(f, 2)) end
end
for _, s in ipairs(M.sections) do
  local c = M.chapters[s.slug]
  c.sections[#c.sections + 1] = s
end

-- The web book's pages that no chapter writes.
M.back = {
  { slug = 'chunks', title = 'Index of chunks' },
  { slug = 'identifiers', title = 'Index of identifiers' },
  { slug = 'pitfalls', title = 'Index of pitfalls' },
  { slug = 'bibliography', title = 'Bibliography' },
}

-- What a chapter is called in the text: "Chapter 4", "Appendix A", or its title.
function M.called(c)
  return c.number == '' and c.title or (c.number:match('^%u$') and 'Appendix ' or 'Chapter ') .. c.number
end

-- Sections of different chapters have different ids; a function has its name.
function M.section_id(slug, id) return slug == 'reference' and M.names[id] and id or slug .. '-' .. id end

function M.file_of(slug) return slug == 'preface' and 'index.html' or slug .. '.html' end

function M.page_url(slug, id) return M.file_of(slug) .. (id and '#' .. id or '') end

return M
