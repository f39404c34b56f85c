// The web book in a real browser: `node tests/site.mjs FOLDER`, CHROMIUM in the environment.
import { chromium } from 'playwright-core';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const folder = resolve(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pages = [...readdirSync(folder), ...readdirSync(folder + '/files').map(f => 'files/' + f)].filter(f => f.endsWith('.html'));
const url = page => pathToFileURL(folder + '/').href + page;
let failed = 0;

function say(name, wrong) {
  const list = [].concat(wrong).filter(Boolean);
  if (list.length) failed++;
  console.log(list.length ? `not ok - ${name}: ${list.slice(0, +(process.env.SHOW || 4)).join('; ').replace(/\s+/g, ' ')}${list.length > 4 ? ` (and ${list.length - 4} more)` : ''}` : `ok - ${name}`);
}
async function test(name, body) {
  try { say(name, await body() ?? []); } catch (e) { say(name, e.message.split('\n')[0] || 'error'); }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
async function open(page, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const tab = await context.newPage();
  tab.setDefaultTimeout(180000);      // on a busy machine
  tab.trouble = [];
  tab.on('console', m => m.type() === 'error' && tab.trouble.push('console: ' + m.text()));
  tab.on('pageerror', e => tab.trouble.push('script: ' + e.message));
  tab.on('request', r => /^(file|data):/.test(r.url()) || tab.trouble.push('asks for ' + r.url()));
  // A request that is still under way when its tab goes on to the next page is given up, not refused.
  tab.on('requestfailed', r => r.failure().errorText === 'net::ERR_ABORTED' || tab.trouble.push('cannot load ' + r.url()));
  await tab.goto(url(page));
  return tab;
}
const done = tab => tab.context().close();

// Of a figure's frames and their words, is what should be seen all that is seen?
async function frames(tab, expected) {
  const figure = tab.locator('.steps').first(), count = await figure.locator('.frame').count();
  const seen = [], tops = new Set();
  for (let i = 0; i < count; i++) {
    const frame = figure.locator('.frame').nth(i), [picture, words] = [frame.locator('svg'), frame.locator('.frame-words')];
    if (await picture.isVisible() !== await words.isVisible()) seen.push(`half of ${i + 1}`);
    else if (await picture.isVisible()) { seen.push(i + 1); tops.add((await picture.boundingBox()).y); }
  }
  const all = [...Array(count).keys()].map(i => i + 1);
  return [count < 2 ? `${count} frames` : '', `${seen}` === `${expected === 'all' ? all : expected}` ? '' : `seen: ${seen}; expected: ${expected}`,
    tops.size === seen.length ? '' : 'frames on top of one another'].filter(Boolean);
}

// --- every page ---------------------------------------------------------------

const ids = {}, links = {}, structure = [], trouble = [], text = {};
const tab = await open('index.html');
for (const page of pages) {
  tab.trouble.length = 0;
  await tab.goto(url(page));
  const facts = await tab.evaluate(() => ({
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    links: [...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href')),
    h1: document.querySelectorAll('h1').length, title: document.title, lang: document.documentElement.lang,
    text: document.querySelector('main').textContent,
  }));
  ids[page] = new Set(facts.ids);
  links[page] = facts.links;
  text[page] = facts.text;
  const twice = facts.ids.filter((id, i) => facts.ids.indexOf(id) !== i);
  if (twice.length) structure.push(`${page}: id '${twice[0]}' twice`);
  if (page !== 'book.html' && facts.h1 !== 1) structure.push(`${page}: ${facts.h1} h1`);
  if (!facts.title || facts.lang !== 'en') structure.push(`${page}: title '${facts.title}', lang '${facts.lang}'`);
  trouble.push(...tab.trouble.map(t => `${page}: ${t}`));
}
await done(tab);
say('every page has a title, a language, one h1 and ids of its own', structure);
say('no page asks for anything that is not beside it, or complains', trouble);

const dead = [];
for (const page of pages) for (const href of links[page]) {
  if (/^(https?|mailto):/.test(href)) continue;
  const to = new URL(href, 'file:///' + page);
  const target = to.pathname.slice(1), id = decodeURIComponent(to.hash.slice(1));
  if (!ids[target]) dead.push(`${page}: ${href}`);
  else if (id && !ids[target].has(id)) dead.push(`${page}: ${href} (no such anchor)`);
}
say('no internal link or anchor is dead', [...new Set(dead)]);

await test('no page is wider than a screen of 320 px', async () => {
  const wide = [], tab = await open('index.html', { viewport: { width: 320, height: 640 } });
  for (const page of pages) {
    await tab.goto(url(page));
    const w = await tab.evaluate(() => document.documentElement.scrollWidth);
    if (w > 320) wide.push(`${page}: ${w} px`);
  }
  await done(tab);
  return wide;
});

// Every page in both themes; the pages of files, which are all alike, on a wide screen only
for (const scheme of ['light', 'dark']) for (const width of [1280, 320]) {
  await test(`axe finds nothing, ${scheme}, ${width} px wide`, async () => {
    const found = [], tab = await open('index.html', { colorScheme: scheme, viewport: { width, height: 900 } });
    for (const page of pages.filter(p => p !== 'book.html' && (width > 320 || !p.startsWith('files/')))) {
      await tab.goto(url(page));
      await tab.evaluate(axe);
      const violations = await tab.evaluate(() => axe.run({ resultTypes: ['violations'] }).then(r =>
        r.violations.map(v => `${v.id}: ${v.nodes[0].target} (${v.nodes[0].failureSummary.slice(0, 160)})`)));
      found.push(...violations.map(v => `${page}: ${v}`));
    }
    await done(tab);
    return found;
  });
}

// --- the reference ----------------------------------------------------------------

await test('the reference has every function of the header, by its name, with its parts', async () => {
  const tab = await open('files/include-minimio.h.html');
  const header = await tab.locator('pre code').textContent();
  await tab.goto(url('reference.html'));
  const wrong = [], functions = [...header.matchAll(/^(?:const )?[a-z0-9_]+ +\**(mio_[a-z_]+)\(/gm)].map(m => m[1]);
  for (const name of functions) {
    const entry = await tab.evaluate(name => {
      const at = document.getElementById(name), within = [];
      let e = at?.closest('main > *');
      while (e && e.tagName !== 'H3') e = e.previousElementSibling;
      const heading = e?.textContent ?? '';
      for (e = e?.nextElementSibling; e && !/^H[23]$/.test(e.tagName); e = e.nextElementSibling) within.push(e.textContent);
      return { heading, text: within.join(' ') };
    }, name);
    if (!entry.heading.includes(name)) wrong.push(`${name} is not found`);
    else if (!entry.text.includes(name + '(') || !/Errors\s+\S/.test(entry.text) || !/Thread\s+(any|owner)/.test(entry.text) || !/Book\s+Chapter\s\d/.test(entry.text))
      wrong.push(`${name}: ${entry.text.slice(0, 80)}`);
  }
  const shown = await tab.locator('.side .toc a', { hasText: /^Reference$/ }).count();
  await done(tab);
  return [...wrong, functions.length >= 40 ? '' : `${functions.length} functions`, shown ? '' : 'it is not in the contents'];
});

await test('search finds a function in the reference', async () => {
  const tab = await open('index.html');
  await tab.locator('#search').click();
  await tab.keyboard.type('mio_queue_cancel');
  await tab.waitForSelector('#search-found a');
  const links = await tab.locator('#search-found a').evaluateAll(all => all.map(a => a.getAttribute('href')));
  await done(tab);
  return links.some(a => a.endsWith('reference.html#mio_queue_cancel')) ? '' : `leads to ${links}`;
});

// --- without JavaScript ---------------------------------------------------------

await test('without JavaScript every text is there', async () => {
  const tab = await open('waiting.html', { javaScriptEnabled: false });
  const html = readFileSync(folder + '/waiting.html', 'utf8');
  const figures = (html.match(/<figure class="nw-chunk/g) || []).length;
  const shown = await tab.locator('figure.nw-chunk').count();
  const hidden = await tab.locator('.search').isVisible();
  await done(tab);
  return [shown === figures && figures > 20 ? '' : `${shown} of ${figures} chunks`, hidden ? 'a search box that cannot work' : ''];
});

await test('all tabs switch without JavaScript', async () => {
  const wrong = [], tab = await open('index.html', { javaScriptEnabled: false });
  let sets = 0;
  for (const page of pages.filter(p => /class="tabs"/.test(readFileSync(folder + '/' + p, 'utf8')))) {
    await tab.goto(url(page));
    for (const set of await tab.locator('.tabs').all()) {
      sets++;
      const labels = await set.locator('> label').all();
      if (!await set.locator('> .tab-panel').first().isVisible()) wrong.push(`${page}: the first panel is not shown`);
      for (const label of labels) {
        await label.click();
        const shown = await set.locator('> .tab-panel:visible').evaluateAll(panels => panels.map(p => p.getAttribute('aria-label')));
        if (`${shown}` !== await label.textContent()) wrong.push(`${page}: ${await label.textContent()} shows ${shown}`);
      }
    }
  }
  await done(tab);
  return [...wrong, sets ? '' : 'there are none'];
});

await test('without JavaScript a figure shows all its frames, with no buttons', async () => {
  const tab = await open('waiting.html', { javaScriptEnabled: false });
  const wrong = await frames(tab, 'all');
  const buttons = await tab.locator('.steps button').count();
  await done(tab);
  return [...wrong, buttons ? `${buttons} buttons that cannot work` : ''];
});

// --- with it ----------------------------------------------------------------------

await test('the choice of a system is remembered', async () => {
  const tab = await open('waiting.html');
  await tab.locator('.tabs label').nth(1).click();
  await tab.reload();
  const shown = await tab.locator('.tabs .tab-panel[data-os=windows]').first().isVisible();
  await done(tab);
  return shown ? '' : 'forgotten after a reload';
});

await test('before a choice the reader\'s own system is shown', async () => {
  const wrong = [];
  for (const [agent, name] of [['Windows NT 10.0; Win64', /Windows/], ['Macintosh; Intel Mac OS X 10_15_7', /macOS/], ['X11; FreeBSD amd64', /BSD/], ['X11; Linux x86_64', /Linux/]]) {
    const tab = await open('waiting.html', { userAgent: `Mozilla/5.0 (${agent})` });
    const label = await tab.locator('.tab-in:checked + label').first().textContent();
    if (!name.test(label)) wrong.push(`${agent}: ${label}`);
    await done(tab);
  }
  return wrong;
});

await test('the contents hold the chapters in their parts', async () => {
  const tab = await open('waiting.html');
  const wrong = await tab.evaluate(() => {
    const links = [...document.querySelectorAll('.side .toc li:not(.toc-sections li) > a')].map(a => [parseInt(a.textContent), a.closest('.toc-part')?.querySelector('span').textContent]);
    const numbered = links.filter(([n]) => n >= 0);
    return numbered.filter(([n, part]) => (n > 0) !== /^Part \d+\. \w/.test(part)).map(([n, part]) => `chapter ${n} is in ${part}`)
      .concat(numbered.length > 2 ? [] : 'too few chapters');
  });
  const shown = await tab.locator('.side .toc-part > span').first().isVisible();
  await done(tab);
  return [...wrong, shown ? '' : 'the part cannot be seen'];
});

await test('a figure in frames steps by mouse', async () => {
  const tab = await open('waiting.html'), figure = tab.locator('.steps').first();
  const [back, next, said] = [figure.getByRole('button', { name: 'Back' }), figure.getByRole('button', { name: 'Next' }), figure.getByRole('status')];
  const wrong = await frames(tab, 1), count = await figure.locator('.frame').count();
  const height = (await figure.boundingBox()).height;
  const sizes = await Promise.all([back, next].map(b => b.boundingBox()));
  await next.click();
  wrong.push(...await frames(tab, 2));
  const words = (await said.textContent()).replace(/\s+/g, ' ');
  const told = words.startsWith(`2 of ${count}`) && words.includes((await figure.locator('.frame-words').nth(1).textContent()).replace(/^2\s*|\s+/g, ' ').trim());
  const moved = (await figure.boundingBox()).height !== height;
  for (let i = 0; i < count; i++) await next.click({ force: true });
  wrong.push(...await frames(tab, count));
  const atEnd = await next.getAttribute('aria-disabled') === 'true' && await back.getAttribute('aria-disabled') === 'false';
  await back.click();
  wrong.push(...await frames(tab, count - 1));
  await done(tab);
  return [...wrong, told ? '' : `says '${words}'`, moved ? 'the text below moves' : '', atEnd ? '' : 'the end does not show',
    ...sizes.map(b => b.width >= 24 && b.height >= 24 ? '' : `a button of ${b.width} x ${b.height} px`)];
});

await test('and by keyboard, where it has the focus', async () => {
  const tab = await open('waiting.html'), figure = tab.locator('.steps').first();
  await tab.keyboard.press('ArrowRight');
  const wrong = await frames(tab, 1);
  await figure.getByRole('button', { name: 'Next' }).focus();
  await tab.keyboard.press('Enter');
  wrong.push(...await frames(tab, 2));
  await tab.keyboard.press('ArrowRight');
  wrong.push(...await frames(tab, 3));
  await tab.keyboard.press('Alt+ArrowLeft');
  wrong.push(...await frames(tab, 3));
  await figure.locator('.frame.now .figure-scroll').focus();
  await tab.keyboard.press('ArrowLeft');
  wrong.push(...await frames(tab, 2));
  await tab.keyboard.press('ArrowLeft');
  wrong.push(...await frames(tab, 1));
  await tab.keyboard.press('n');
  wrong.push(...await frames(tab, 1));
  await done(tab);
  return wrong;
});

await test('search finds a word of chapter 1, from file://', async () => {
  const tab = await open('index.html');
  await tab.locator('#search').click();
  await tab.keyboard.type('wsapoll');
  await tab.waitForSelector('#search-found a');
  const href = await tab.locator('#search-found a').first().getAttribute('href');
  const said = await tab.locator('.search [role=status]').textContent();
  await tab.locator('#search').fill('qwertyuiop');
  await tab.waitForFunction(() => !document.querySelector('#search-found a'));
  await done(tab);
  return [/waiting\.html/.test(href) ? '' : `leads to ${href}`, /\d/.test(said) ? '' : 'does not say how many'];
});

await test('the dark theme is chosen, and kept on the next page', async () => {
  const tab = await open('index.html');
  const colour = () => tab.evaluate(() => [document.documentElement, document.body].map(e => getComputedStyle(e).backgroundColor).join());
  const light = await colour();
  await tab.locator('button.theme').click();
  const dark = await colour();
  await tab.goto(url('waiting.html'));
  const next = await colour();
  await done(tab);
  return [light !== dark ? '' : 'the button does nothing', next === dark ? '' : 'forgotten'];
});

await test('a copy button copies the code and nothing else', async () => {
  const tab = await open('waiting.html', { permissions: ['clipboard-read', 'clipboard-write'] });
  const chunk = tab.locator('figure.nw-chunk').first();
  await tab.evaluate(() => { window.copied = []; navigator.clipboard.writeText = t => { window.copied.push(t); return Promise.resolve(); }; });
  const button = chunk.locator('button').first();
  await button.scrollIntoViewIfNeeded();
  const box = await button.boundingBox();
  await button.click();
  const copied = await tab.evaluate(() => window.copied[0] ?? '');
  const code = await chunk.locator('pre code').textContent();
  await done(tab);
  return [copied.trim() === code.trim() ? '' : `copied '${copied.slice(0, 60)}'`, box.width >= 24 && box.height >= 24 ? '' : `${box.width} x ${box.height} px`];
});

await test('the keyboard reaches the skip link first, and sees where it is', async () => {
  const tab = await open('waiting.html');
  const seen = [];
  for (let i = 0; i < 12; i++) {
    await tab.keyboard.press('Tab');
    seen.push(await tab.evaluate(() => {
      const e = document.activeElement, s = getComputedStyle(e);
      return { cls: e.className, visible: (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none', name: e.outerHTML.slice(0, 60) };
    }));
  }
  await done(tab);
  return [/skip/.test(seen[0].cls) ? '' : `first is ${seen[0].name}`, ...seen.filter(s => !s.visible).map(s => `no visible focus on ${s.name}`)];
});

for (const scheme of ['light', 'dark']) {
  await test(`code has a contrast of 4.5 to 1 or more, ${scheme}`, async () => {
    const tab = await open('waiting.html', { colorScheme: scheme });
    const low = await tab.evaluate(() => {
      const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const rgb = c => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
      const lum = c => [0, 1, 2].map(i => c[i] / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
      const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] === 255) return c; } return 'white'; };
      const seen = {};
      for (const e of document.querySelectorAll('pre code span, pre code a, pre code')) {
        const kind = e.className || e.tagName;
        if (kind in seen) continue;
        const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(rgb(ground(e)))].sort((x, y) => y - x);
        seen[kind] = (a + 0.05) / (b + 0.05);
      }
      return Object.entries(seen).filter(([, r]) => r < 4.5).map(([k, r]) => `${k}: ${r.toFixed(2)}`);
    });
    await done(tab);
    return low;
  });
}

await test('print shows all frames of a figure', async () => {
  const tab = await open('waiting.html');
  await tab.emulateMedia({ media: 'print' });
  const wrong = await frames(tab, 'all');
  const bar = await tab.locator('.stepper').first().isVisible();
  await done(tab);
  return [...wrong, bar ? 'the buttons are printed' : ''];
});

await test('print leaves the navigation out', async () => {
  const tab = await open('waiting.html');
  await tab.emulateMedia({ media: 'print' });
  const shown = await tab.locator('header.side').isVisible();
  await done(tab);
  return shown ? 'the sidebar is printed' : '';
});

await browser.close();
process.exit(failed ? 1 : 0);
