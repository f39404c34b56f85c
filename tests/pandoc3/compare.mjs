// compare.mjs ONE TWO: do the pages of two folders say the same?
// What only colours code, and attributes that no link or script needs, may differ.
import { readdirSync, readFileSync } from 'node:fs';

const [one, two] = process.argv.slice(2);
const pages = (folder) => readdirSync(folder, { recursive: true }).filter((name) => /\.x?html$/.test(name)).sort();
const all = (text, pattern) => [...text.matchAll(pattern)].map((found) => found[1]);

function sort_of(tag) {     // figure.nw-chunk; only pandoc 2 marks odd and even rows
    const name = /^<(\w+)/.exec(tag)[1];
    const classes = /\sclass="([^"]*)"/.exec(tag);
    return name + (classes && name !== 'tr' ? '.' + classes[1].split(' ').sort().join('.') : '');
}

const aspects = {
    'the same labels': (page) => all(page, /\sid="([^"]*)"/g),
    'the same links': (page) => all(page, /\shref="([^"]*)"/g),
    'the same elements of the same classes': (page) =>
        all(page.replace(/<code[^]*?<\/code>/g, ''), /(<\w[^>]*>)/g).map(sort_of),
    'the same words': (page) => page.replace(/<[^>]*>/g, '').split(/\s+/),
};

let failed = pages(one).length === 0;
function said(what, why) {
    console.log(why ? `not ok - ${what}: ${why}` : `ok - ${what}`);
    failed ||= Boolean(why);
}

said('the same pages', `${pages(one)}` === `${pages(two)}` ? '' : `${pages(one)}, ${pages(two)}`);
for (const [what, aspect] of Object.entries(aspects)) {
    let why = '', count = 0;
    for (const name of pages(one).filter((page) => pages(two).includes(page))) {
        const [a, b] = [one, two].map((folder) => aspect(readFileSync(`${folder}/${name}`, 'utf8')));
        const at = [...a, 'the end'].findIndex((value, i) => value !== [...b, 'the end'][i]);
        if (at >= 0) why ||= `${name}: ${a.slice(at, at + 5).join(' ')} | ${b.slice(at, at + 5).join(' ')}`;
        count += a.length;
    }
    said(`${what} (${count})`, why || (count ? '' : 'there are none'));
}
process.exit(failed ? 1 : 0);
