#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// compare-urls.mjs TWEED [COUNT [SEED]] - `tweed url` against node's URL, on generated inputs.
//
// Prints what differs and exits with 1 if anything does. Known and left out: inputs that old
// versions of node read against the standard (a base with an opaque path and a fragment, the
// last space of such a path, "^" in paths, ".." at the end of paths of other schemes, the empty
// query of a base), and what cannot be an argument of a command (NUL).
import { spawnSync } from 'node:child_process';

const [tweed, count = '5000', seed = '1'] = process.argv.slice(2);
let state = Number(seed) || 1;
const random = (n) => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return (state >>>= 0) % n;
};
const pick = (list) => list[random(list.length)];

const schemes = ['http:', 'https:', 'HTTP:', 'ws:', 'ftp:', 'file:', 'foo:', 'mailto:', 'data:',
    'javascript:', 'a+b-c.1:', '', '1a:', 'h\tttp:', 'http'];
const slashes = ['//', '//', '//', '//', '/', '', '///', '\\\\', '\\', '/\\'];
const users = ['', '', '', '', 'u@', 'u:p@', ':@', ':p@', '@', 'a@b@', 'u:p:q@', 'ü:é@', 'u;=[]@', '%41:%zz@'];
const hosts = ['example.com', 'EXAMPLE.com', 'h', '127.0.0.1', '0x7f.1', '2130706433', '1.2.3', '1.2.3.4.5',
    '256.1.1.1', '1.2.3.4.', '0x', '09.1', 'foo.09', 'foo.0x4', '[::1]', '[::ffff:127.0.0.1]', '[1:2]',
    '[1::2:0:0:3]', '[::1', '[1:2:3:4:5:6:7::]', '[::1.2.3]', '[::01.2.3.4]', '', '.', 'a..b', 'a b',
    'a%20b', 'a%41', 'faß.de', 'ｅｘ.com', 'bücher.example', 'xn--bcher-kva.example', 'xn--', 'a\u00adb',
    '日本語。jp', 'a<b', 'a|b', 'a`{}"b', 'a_b', '-a-', '4294967295', '4294967296', 'localhost', 'C:', 'c|',
    '%zz', 'a\tb', '[::1]x', '1e2', 'a.1', '%31%32%37.1'];
const ports = ['', '', '', '', ':', ':80', ':443', ':0', ':00080', ':65535', ':65536', ':8a', ':+80', ': 80'];
const segments = ['', 'a', '.', '..', '%2e', '%2E.', '...', 'b c', 'ü', 'C:', 'C|', 'x\\y', '{x}', '`', '"',
    '<>', '%41', '%', ';b=1', ':', '@', '|', '~', '\x1f', '\x7f', '[x]', '\u{1f600}', 'a\tb', "'"];
const queries = ['', '', '', '?', '?a=b', "?'\"<>`{}|", '?ü', '?a?b', '?%zz', '?a/../b'];
const fragments = ['', '', '', '#', '#a', '#a b`"<>{}', '#ü#'];
const bases = ['http://h/p/q?x#y', 'http://u:p@h:81/a/b/c', 'file:///C:/d/e', 'file://host/a/b?q', 'file:///',
    'foo://h/a/b?c#d', 'foo:/a/b', 'foo:/.//p', 'foo:///C:/x', 'ws://h:1/', 'http://[::1]:8/a'];

const path = (n) => Array.from({ length: n }, () => pick(['/', '/', '/', '\\']) + pick(segments)).join('');
const absolute = () => pick(schemes) + pick(slashes) + pick(users) + pick(hosts) + pick(ports) +
    path(random(5)) + pick(queries) + pick(fragments);
const relative = () => (random(3) ? pick(segments) : pick(['//', '\\\\', '///']) + pick(hosts)) +
    path(random(4)) + pick(queries) + pick(fragments);

const members = ['href', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search',
    'hash', 'origin'];
const read = (text, base) => {
    try {
        const url = new URL(text, base);
        return Object.fromEntries(members.map((name) => [name, url[name]]));
    } catch {
        return { error: 'url' };
    }
};
const known = (text, theirs) => /^(?!http|https|ws|wss|ftp|file)/.test(theirs.protocol ?? '') &&
    (/(\.|%2e)(\.|%2e)/i.test(text) || / [?#]/.test(text)) || /\^/.test(text) ||
    /^file:\/\/[^/]*\/[a-z]:/i.test(theirs.href ?? '');

const group = 200;
let different = 0, done = 0;
while (done < Number(count)) {
    const base = random(2) ? pick(bases) : undefined;
    const texts = Array.from({ length: group }, () => (base && random(3) ? relative() : absolute()));
    const run = spawnSync(tweed, ['url', ...(base ? ['--base', base] : []), '--', ...texts], { encoding: 'utf8' });
    const lines = run.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
    texts.forEach((text, i) => {
        const theirs = read(text, base), ours = lines[i];
        const fields = Object.keys(theirs).filter((name) => theirs[name] !== ours[name]);
        if (fields.length > 0 && !known(text, theirs)) {
            different++;
            console.log(JSON.stringify(text), 'on', base ?? 'nothing', '\n  node ', theirs.href ?? 'refused',
                '\n  tweed', ours.href ?? 'refused', `(${fields})`);
        }
    });
    done += group;
}
console.log(`${done} inputs, ${different} differences`);
process.exit(different > 0 ? 1 : 0);
