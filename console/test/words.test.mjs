// Both languages have the same words.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../src", import.meta.url));

function sources(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((d) =>
    d.isDirectory() ? (d.name === "i18n" ? [] : sources(join(dir, d.name))) : /\.tsx?$/.test(d.name) ? [readFileSync(join(dir, d.name), "utf8")] : [],
  );
}

const unescaped = (s) => JSON.parse('"' + s + '"');
const table = new Map([...readFileSync(join(src, "i18n/zh.ts"), "utf8").matchAll(/^ {2}"((?:[^"\\]|\\.)*)": "((?:[^"\\]|\\.)*)",$/gm)].map((m) => [unescaped(m[1]), unescaped(m[2])]));

test("every text of the pages is there in Chinese", () => {
  const said = new Set();
  for (const text of sources(src)) for (const m of text.matchAll(/\bt\(\s*"((?:[^"\\]|\\.)*)"/g)) said.add(unescaped(m[1]));
  assert.ok(said.size > 300, `only ${said.size} texts were found`);
  assert.deepEqual([...said].filter((s) => !table.has(s)), []);
});

test("no text is there that nobody says", () => {
  const all = sources(src).join("\n");
  const gateway = [...table.keys()].slice([...table.keys()].indexOf("delivered"));
  const unsaid = [...table.keys()].filter((k) => !gateway.includes(k) && !all.includes(JSON.stringify(k)) && !/^it |^the (dead|endpoint) |^no endpoint|^another /.test(k));
  assert.deepEqual(unsaid, []);
});

test("placeholders are the same in both languages", () => {
  const names = (s) => [...s.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();
  for (const [en, zh] of table) assert.deepEqual(names(zh), names(en), en);
});
