// Compares our block structure of the examples of the CommonMark specification with that of the reference implementation:
// check_commonmark.mjs PROGRAM [FOLDER], where PROGRAM is text_markdown_blocks and FOLDER has node_modules with
// commonmark@0.31.2 and commonmark-spec@0.31.2. Exits with 77 when these are not there, with 1 where
// RAGPIPE_REQUIRE_REFERENCES is set.
//
// Compared are the kind of each block, the level of a heading, the depth, the line that the block begins on (but for a first
// child, which we begin with its parent) and the last line that is not empty. Link definitions, which the reference takes out
// of the tree, are left out, and so is what holds nothing else.
import {spawnSync} from 'node:child_process';
import {createRequire} from 'node:module';
import path from 'node:path';

const [program, folder = '.'] = process.argv.slice(2);
let commonmark, examples;
try {
  const require = createRequire(path.resolve(folder, 'package.json'));
  commonmark = require('commonmark');
  examples = require('commonmark-spec').tests.map(test => test.markdown.replace(/\u2192/g, '\t'));
} catch (error) {
  console.log(`SKIPPED: ${error.message.split('\n')[0]}; run npm install commonmark@0.31.2 commonmark-spec@0.31.2`);
  process.exit(process.env.RAGPIPE_REQUIRE_REFERENCES ? 1 : 77);
}

const kBlocks = new Set(['heading', 'thematic_break', 'code_block', 'html_block', 'paragraph', 'block_quote', 'list', 'item']);

// The last of the lines [first, last] that has more than container markers.
function lastLine(lines, first, last) {
  while (last > first && /^[>\s]*$/.test(lines[last - 1])) --last;
  return last;
}

function reference(markdown, lines) {
  const blocks = [];
  function add(node, depth) {
    let first = true;
    for (let child = node.firstChild; child; child = child.next) {
      if (!kBlocks.has(child.type)) continue;
      const [[begin], [end]] = child.sourcepos;
      blocks.push([child.type, child.type === 'heading' ? child.level : 0, depth, first ? 0 : begin, lastLine(lines, begin, end)]);
      first = false;
      add(child, depth + 1);
    }
  }
  add(new commonmark.Parser().parse(markdown), 0);
  return blocks;
}

function ours(blocks, markdown, lines) {
  const lineOf = offset => Buffer.from(markdown).subarray(0, offset).toString().split('\n').length;
  const seen = [];  // by depth: whether a sibling came before
  const result = [];
  for (const [kind, level, depth, begin, end] of blocks) {
    if (kind === 'link_definitions') continue;
    seen.length = depth + 1;
    const line = lineOf(begin);
    result.push([kind, level, depth, seen[depth] ? line : 0, lastLine(lines, line, lineOf(end - 1))]);
    seen[depth] = true;
  }
  return result;
}

const documents = examples.filter(markdown => markdown !== '');
const {stdout, status} = spawnSync(program, {input: documents.join('\0') + '\0', encoding: 'utf8', maxBuffer: 1 << 26});
if (status !== 0) throw new Error(`${program} failed`);
const answers = stdout.trimEnd().split('\n').map(line => JSON.parse(line));

let different = 0;
let frontMatter = 0;  // two examples begin as a document with metadata does, which the specification does not know
documents.forEach((markdown, i) => {
  if (answers[i][0][0] === 'front_matter') {
    ++frontMatter;
    return;
  }
  const lines = markdown.split('\n');
  const expected = JSON.stringify(reference(markdown, lines));
  const actual = JSON.stringify(ours(answers[i], markdown, lines));
  if (expected === actual) return;
  ++different;
  console.log(`--- ${JSON.stringify(markdown)}\nreference: ${expected}\nours:      ${actual}`);
});
console.log(`${documents.length} examples, ${different} different, ${frontMatter} with front matter`);
process.exit(different === 0 && documents.length === 652 && frontMatter === 2 ? 0 : 1);
