// What the page can do beyond reading. Everything here is an addition: without
// this script the book is complete. No dependencies; works from file://.
(function () {
  'use strict';
  var root = new URL('.', document.currentScript.src).href;
  var html = document.documentElement;

  function remembered(key) { try { return localStorage.getItem(key); } catch (e) { return null; } }
  function remember(key, value) { try { localStorage.setItem(key, value); } catch (e) { /* then for this page */ } }
  function all(selector, from) { return Array.prototype.slice.call((from || document).querySelectorAll(selector)); }

  // Light and dark, and figures with one frame showing: before the first paint.
  html.classList.add('js');
  var theme = remembered('theme');
  if (theme) html.dataset.theme = theme;

  document.addEventListener('DOMContentLoaded', function () {
    themeButton();
    menu();
    tabs();
    all('.steps').forEach(stepper);
    reveal();
    window.addEventListener('hashchange', reveal);
    copyButtons();
    search();
  });

  function themeButton() {
    var button = document.querySelector('.theme');
    var dark = matchMedia('(prefers-color-scheme: dark)');
    function isDark() { return html.dataset.theme ? html.dataset.theme === 'dark' : dark.matches; }
    function show() { button.setAttribute('aria-pressed', isDark()); }
    button.hidden = false;
    show();
    dark.addEventListener('change', show);
    button.addEventListener('click', function () {
      html.dataset.theme = isDark() ? 'light' : 'dark';
      remember('theme', html.dataset.theme);
      show();
    });
  }

  // The style sheet keeps the contents open beside the text; a browser that
  // cannot do that gets them opened here.
  function menu() {
    var details = document.querySelector('.menu');
    if (!CSS.supports('selector(::details-content)')) details.open = matchMedia('(min-width: 64rem)').matches;
    details.addEventListener('keydown', function (event) {
      if (event.key === 'Escape' && details.open && !matchMedia('(min-width: 64rem)').matches) {
        details.open = false;
        details.querySelector('summary').focus();
      }
    });
    var here = document.querySelector('.menu [aria-current]');
    var scroller = document.querySelector('.side');
    if (here && scroller.scrollHeight > scroller.clientHeight) {
      scroller.scrollTop = here.offsetTop - scroller.clientHeight / 3;
    }
  }

  // Tabs: one choice of system for all of them, and for the next page. Before the
  // first choice, and where there is no such tab, the one whose label names this system.
  function tabs() {
    function choose(os) {
      all('.tab-in').forEach(function (input) { if (input.dataset.os === os) input.checked = true; });
    }
    var system = (/Windows|Mac|Linux|BSD/.exec(navigator.userAgent) || ['-'])[0];
    all('.tab-in + label').forEach(function (label) {
      if (label.textContent.toLowerCase().indexOf(system.toLowerCase()) >= 0) label.control.checked = true;
    });
    choose(remembered('os'));
    document.addEventListener('change', function (event) {
      var input = event.target;
      if (!input.classList.contains('tab-in')) return;
      var before = input.getBoundingClientRect().top;
      choose(input.dataset.os);
      remember('os', input.dataset.os);
      scrollBy({ top: input.getBoundingClientRect().top - before, behavior: 'instant' });
    });
  }

  // A figure in frames: one at a time, with buttons or the arrow keys. At an end
  // the button keeps the focus, so that the keys go on working.
  function stepper(figure) {
    var frames = all('.frame', figure);
    var bar = document.createElement('div');
    var back = button('Back', -1);
    var place = document.createElement('p');
    var next = button('Next', 1);
    var now = 0;
    bar.className = 'stepper';
    place.setAttribute('role', 'status');
    bar.append(back, place, next);
    figure.append(bar);
    place.textContent = '1 of ' + frames.length;
    ends();

    function button(word, by) {
      var made = document.createElement('button');
      made.type = 'button';
      made.textContent = word;
      made.addEventListener('click', function () { step(by); });
      return made;
    }
    function ends() {
      back.setAttribute('aria-disabled', now === 0);
      next.setAttribute('aria-disabled', now === frames.length - 1);
    }
    function step(by) {
      var to = frames[now + by];
      if (!to) return;
      var picture = frames[now].querySelector('.figure-scroll');
      var focused = document.activeElement === picture;
      frames[now].classList.remove('now');
      to.classList.add('now');
      to.querySelector('.figure-scroll').scrollLeft = picture.scrollLeft;
      if (focused) to.querySelector('.figure-scroll').focus({ preventScroll: true });
      now += by;
      ends();
      // Who does not see the picture change hears what happens in it.
      var words = document.createElement('span');
      words.className = 'unseen';
      words.textContent = ': ' + to.querySelector('.frame-words').textContent.replace(/^\d+\s*/, '');
      place.replaceChildren(now + 1 + ' of ' + frames.length, words);
    }
    figure.addEventListener('keydown', function (event) {
      var by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      var scrolls = event.target.scrollWidth > event.target.clientWidth + 1 && event.target.classList.contains('figure-scroll');
      if (!by || scrolls || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      event.preventDefault();
      step(by);
    });
  }

  // A link may lead into a closed tab or a folded answer.
  function reveal() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.checkVisibility && target.checkVisibility()) return;
    for (var el = target; el; el = el.parentElement) {
      if (el.tagName === 'DETAILS') el.open = true;
      if (el.classList.contains('tab-panel')) {
        all('.tab-in[data-os="' + el.dataset.os + '"]', el.parentElement)[0].checked = true;
      }
    }
    target.scrollIntoView();
  }

  // --- copying code ----------------------------------------------------------

  function textOf(pre) {
    var commands = all('b.cmd', pre);
    if (commands.length) return commands.map(function (b) { return b.textContent; }).join('\n') + '\n';
    var code = pre.querySelector('code').cloneNode(true);
    all('.nw-use', code).forEach(function (a) {
      a.textContent = '<<' + a.textContent.replace(/[⟨⟩]/g, '') + '>>';
    });
    return code.textContent.replace(/\n?$/, '\n');
  }

  function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    var area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    var done = document.execCommand('copy');
    area.remove();
    return done ? Promise.resolve() : Promise.reject();
  }

  function copyButtons() {
    all('main pre').forEach(function (pre) {
      if (!pre.querySelector('code')) return;
      var box = document.createElement('div');
      var button = document.createElement('button');
      box.className = 'copy-box';
      button.className = 'copy';
      button.type = 'button';
      button.textContent = 'Copy';
      button.setAttribute('aria-label', pre.querySelector('b.cmd') ? 'Copy the commands' : 'Copy the code');
      pre.before(box);
      box.append(pre, button);
      button.addEventListener('click', function () {
        copy(textOf(pre)).then(say.bind(null, 'Copied'), say.bind(null, 'Not copied'));
      });
      function say(word) {
        button.textContent = word;
        status(word);
        setTimeout(function () { button.textContent = 'Copy'; }, 1500);
      }
    });
  }

  function status(text) { document.querySelector('.search [role=status]').textContent = text; }

  // --- search ----------------------------------------------------------------

  function search() {
    var form = document.querySelector('.search');
    var input = form.querySelector('input');
    var found = form.querySelector('.found');
    var asked = false;
    form.hidden = false;

    // A script element, because a page from file:// may not fetch.
    function load() {
      if (asked) return;
      asked = true;
      var script = document.createElement('script');
      script.src = root + 'search-index.js';
      script.onload = show;
      document.head.append(script);
    }
    function close() { found.hidden = true; }

    function show() {
      var words = wordsOf(input.value);
      if (!window.bookIndex || !words.length) { close(); status(''); return; }
      var hits = find(window.bookIndex, words);
      found.replaceChildren();
      var list = document.createElement('ol');
      hits.slice(0, 20).forEach(function (hit) { list.append(entry(hit.page, words)); });
      if (hits.length) found.append(list);
      var count = hits.length === 0 ? 'Nothing found' : hits.length === 1 ? '1 section' : hits.length + ' sections';
      var note = document.createElement('p');
      note.textContent = count + (hits.length > 20 ? ', the first 20 shown' : '');
      found.prepend(note);
      found.hidden = false;
      status(count);
    }

    function entry(page, words) {
      var item = document.createElement('li');
      var link = document.createElement('a');
      var title = document.createElement('b');
      var chapter = document.createElement('span');
      var text = document.createElement('small');
      link.href = root + page.u;
      mark(title, page.t, words);
      if (page.c.replace(/^(\d+|[A-Z]) /, '') !== page.t) chapter.textContent = page.c;
      mark(text, excerpt(page.x, words), words);
      link.append(title, ' ', chapter, text);
      link.addEventListener('click', close);
      item.append(link);
      return item;
    }

    input.addEventListener('focus', load);
    input.addEventListener('input', show);
    input.addEventListener('focus', show);
    form.addEventListener('submit', function (event) {
      event.preventDefault();
      var first = found.querySelector('a');
      if (first && !found.hidden) first.click();
    });
    form.addEventListener('keydown', function (event) {
      var links = all('a', found);
      var at = links.indexOf(document.activeElement);
      if (event.key === 'Escape') {
        if (found.hidden) input.value = '';
        input.focus();
        close();
      } else if (event.key === 'ArrowDown' && !found.hidden && links.length) {
        links[Math.min(at + 1, links.length - 1)].focus();
      } else if (event.key === 'ArrowUp' && at >= 0) {
        (links[at - 1] || input).focus();
      } else return;
      event.preventDefault();
    });
    document.addEventListener('keydown', function (event) {
      if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
        event.preventDefault();
        input.focus();
        input.select();
      }
    });
    form.addEventListener('focusout', function (event) {
      if (event.relatedTarget && !form.contains(event.relatedTarget)) close();
    });
    document.addEventListener('click', function (event) { if (!form.contains(event.target)) close(); });
  }

  function wordsOf(text) { return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || []; }

  // Each word as the beginning of a word; an underscore begins one too.
  function pattern(words) {
    return new RegExp('(?<![\\p{L}\\p{N}])(?:' + words.join('|') + ')', 'giu');
  }

  function find(index, words) {
    var each = words.map(function (word) { return pattern([word]); });
    return index.map(function (page) {
      var score = 0;
      for (var i = 0; i < each.length; i++) {
        var inTitle = (page.t.match(each[i]) || []).length;
        var inText = (page.x.match(each[i]) || []).length;
        if (!inTitle && !inText) return null;
        score += inTitle * 100 + Math.min(inText, 20);
      }
      return { page: page, score: score };
    }).filter(Boolean).sort(function (a, b) { return b.score - a.score; });
  }

  function excerpt(text, words) {
    var at = text.search(pattern(words));
    if (at < 0) at = 0;
    var begin = at < 50 ? 0 : text.indexOf(' ', at - 50) + 1 || at;
    return (begin ? '… ' : '') + text.slice(begin, begin + 150).replace(/\s\S*$/, '') + ' …';
  }

  function mark(el, text, words) {
    var last = 0;
    text.replace(pattern(words), function (word, at) {
      var m = document.createElement('mark');
      m.textContent = word;
      el.append(text.slice(last, at), m);
      last = at + word.length;
      return word;
    });
    el.append(text.slice(last));
  }
})();
