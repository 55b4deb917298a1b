// The console in a real browser, in front of real gateways.
//
// CHROMIUM is the browser (default /usr/bin/chromium), IMHOOK_BIN a gateway that is
// built already, and SCREENSHOTS=1 writes docs/console/*.png.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { backend, binary, eventually, gateway } from "./gateway.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = fileURLToPath(new URL("../../docs/console", import.meta.url));
// However busy the machine is: what never comes is told by the waits themselves.
const patient = { timeout: 600_000 };
const adminToken = "a-token-of-the-browser-tests";

let bin, browser, sandbox, shop, good, bad;
const trouble = [];

before(async () => {
  bin = binary();
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(existsSync(executablePath), `there is no browser at ${executablePath}: install Debian's chromium, or set CHROMIUM`);
  browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  good = await backend();
  bad = await backend();
  bad.answer = 422;
  bad.body = '{"error":"unknown field \\"groupOwner\\""}';
  sandbox = await gateway(bin);
  shop = await gateway(
    bin,
    `
admin: {token: ${adminToken}}
apps:
  - name: shop
    sources:
      - {name: openim-prod, dialect: openim}
      - {name: tencent, dialect: tencent, credentials: {sdk_app_id: "1400000000", token: a-secret-of-tests}}
    hooks:
      - {name: words, builtin: wordlist, words: [badword], action: mask}
    endpoints:
      - {name: backend, url: "${good.url}", dialect: cloudevents}
      - {name: texts, url: "${good.url}", dialect: cloudevents, events: ["message.*"], when: 'event.message.kind == "text"'}
      - name: crm
        url: "${bad.url}"
        dialect: cloudevents
        events: ["group.**"]
        order: none
        breaker: {least: 1000}
        retry: {fast: [], slow: {from: 1s, to: 1s}, max_attempts: 1}
      - {name: archive, url: "${good.url}", dialect: cloudevents}
`,
  );
}, patient);

after(async () => {
  await browser?.close();
  await Promise.all([sandbox?.stop(), shop?.stop(), good?.stop(), bad?.stop()]);
});

/** A page that reports what goes wrong in it. */
async function open(g, path, opts = {}) {
  const { init, ...more } = opts;
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-US", reducedMotion: "reduce", ...more });
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  page.on("console", (m) => /Content Security Policy|Refused to/i.test(m.text()) && trouble.push(`${path}: ${m.text()}`));
  page.on("pageerror", (e) => trouble.push(`${path}: ${e.message}`));
  page.on("dialog", (d) => (trouble.push(`${path}: a dialog: ${d.message()}`), d.dismiss()));
  if (init) await page.addInitScript(init);
  await page.goto(g.url + path);
  return page;
}

async function login(page, token = adminToken) {
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("#main").waitFor();
}

async function shopPage(path, opts = {}) {
  const { token, ...more } = opts;
  const page = await open(shop, path, more);
  await login(page, token);
  return page;
}

const close = (page) => page.context().close();
const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

async function shot(page, name) {
  if (!process.env.SCREENSHOTS) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}.png` });
}

async function serious(page) {
  await page.evaluate(axeSource + ";0");
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).slice(0, 4).join(" | ")}`);
}

const trigger = (g, source, body, token) => g.api("POST", `/sources/${source}/trigger`, body, token);

test("first run: a test callback is sent, and what becomes of it appears", patient, async () => {
  const page = await open(sandbox, "/");
  await heading(page, "Overview");
  await page.getByText("Nothing has come since this gateway started.").waitFor();
  const loaded = await page.evaluate(() =>
    [performance.getEntriesByType("navigation")[0], ...performance.getEntriesByType("resource").filter((r) => /assets|\.svg/.test(r.name))].reduce((s, r) => s + r.encodedBodySize, 0),
  );
  assert.ok(loaded > 10_000 && loaded < 300 * 1024, `the first load is ${loaded} bytes`);
  await page.getByRole("main").getByRole("link", { name: "Send a test callback" }).first().click();
  await heading(page, "Send a test callback");
  await page.getByLabel("senderNickname").fill("Robin <b>Hood</b>");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("heading", { name: "Verified, and answered" }).waitFor();
  await page.getByRole("heading", { name: "The event message.send" }).waitFor();
  await page.getByText("Delivered", { exact: true }).waitFor();
  await shot(page, "send");
  await page.getByRole("link", { name: "Open the event" }).click();
  await heading(page, "message.send");
  await page.getByRole("heading", { name: "As it came" }).waitFor();
  await page.getByText("Robin <b>Hood</b>").first().waitFor();
  await close(page);
});

test("a before-callback shows the decision and its difference", patient, async () => {
  // Kinds of messages are drawn by a seed: one that is a text is looked for.
  const command = "callbackBeforeMsgModifyCommand";
  let seed = 0;
  for (let kind = 0; kind !== 101; ) kind = JSON.parse((await sandbox.api("GET", `/samples/openim?command=${command}&seed=${++seed}`)).request.body).contentType;
  const page = await open(sandbox, `/send?source=openim&command=${command}&seed=${seed}`);
  await page.getByLabel("content › content").fill("this badword goes");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.getByRole("heading", { name: /^The decision/ }).waitFor();
  await page.getByText("− this badword goes").waitFor();
  await page.getByText("Decided by words").waitFor();
  await close(page);
});

test("login, roles, and a session that ends", patient, async () => {
  const page = await open(shop, "/endpoints/shop/backend");
  await page.getByLabel("Token").waitFor();
  assert.deepEqual(await serious(page), []);
  await page.getByLabel("Token").fill("not-a-token");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await shot(page, "login");
  await login(page);
  await page.getByRole("heading", { name: "shop/backend" }).waitFor();

  await page.goto(shop.url + "/access");
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("night shift");
  await page.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  const token = (await page.locator(".secret-once").textContent()).trim();
  await page.keyboard.press("Escape");
  await page.getByRole("cell", { name: "night shift" }).waitFor();

  const viewer = await shopPage("/endpoints/shop/backend", { token });
  await viewer.getByRole("heading", { name: "shop/backend" }).waitFor();
  const pause = viewer.getByRole("button", { name: "Pause", exact: true });
  await pause.waitFor();
  assert.ok(await pause.isDisabled(), "a viewer may press Pause");
  assert.match(await pause.getAttribute("title"), /operator/);
  const refused = await viewer.evaluate(async () => (await fetch("/api/v1/endpoints/shop/backend/pause", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" })).status);
  assert.equal(refused, 403);

  // The token is revoked while its session is open.
  await page.getByRole("row", { name: /night shift/ }).getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("cell", { name: "night shift" }).waitFor({ state: "detached" });
  await viewer.getByText("Your session ended. Log in again.").waitFor();
  await page.goto(shop.url + "/access/audit");
  await page.getByText("createToken").first().waitFor();
  await page.getByText("revokeToken").first().waitFor();
  await shot(page, "access");

  await page.getByRole("button", { name: "Who you are" }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByLabel("Token").waitFor();
  await close(page);
  await close(viewer);
});

test("another site can neither frame the console nor post with its session", patient, async () => {
  const page = await shopPage("/");
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.sameSite, "Strict");
  assert.equal(cookie.httpOnly, true);
  const res = await fetch(shop.url + "/api/v1/endpoints/shop/backend/pause", {
    method: "POST", headers: { "Content-Type": "application/json", Cookie: `${cookie.name}=${cookie.value}`, Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }, body: "{}",
  });
  assert.equal(res.status, 403);
  assert.match((await fetch(shop.url + "/", { headers: { Accept: "text/html" } })).headers.get("content-security-policy"), /frame-ancestors 'none'/);
  await close(page);
});

test("what happened to message X: found and told", patient, async () => {
  const sent = await trigger(shop, "openim-prod", { command: "callbackAfterSendGroupMsgCommand", count: 5 }, adminToken);
  const message = JSON.parse(sent.exchanges[2].request.body).serverMsgID;
  const page = await shopPage("/");
  await heading(page, "Overview");
  const begin = Date.now();
  let clicks = 0;
  await page.keyboard.press("/");
  await page.keyboard.type(message);
  await page.keyboard.press("Enter");
  const row = page.getByRole("row", { name: /message\.send/ }).first();
  await eventually(async () => {
    if (await row.isVisible()) return true;
    const again = page.getByRole("main").getByRole("button", { name: "Search" });
    if (await again.isVisible()) await again.click();
    return false;
  });
  clicks++;
  await row.click();
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  await page.getByText("The journal has it").waitFor();
  await page.getByRole("heading", { name: "As it came" }).waitFor();
  await page.locator("pre").filter({ hasText: message }).first().waitFor();
  console.log(`what happened to message X: typed once, ${clicks} click, ${((Date.now() - begin) / 1000).toFixed(1)} s`);
  await shot(page, "event");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy as curl" }).first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^curl -X POST \\\n {2}'?http:\/\/127\.0\.0\.1:\d+\/in\/openim-prod/);
  assert.ok(copied.includes(message));
  await page.goBack();
  await page.getByRole("heading", { level: 1, name: "Search" }).waitFor();
  await shot(page, "search");
  await close(page);
});

test("pause with a reason, replay with a count, resume", patient, async () => {
  const page = await shopPage("/endpoints/shop/archive");
  await page.getByRole("button", { name: "Pause", exact: true }).click();
  await page.getByRole("dialog").getByLabel("Why").fill("the archive is being moved");
  await page.getByRole("dialog").getByLabel("Until").fill("2h");
  await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
  await page.getByText("It is paused: the archive is being moved").waitFor();
  await trigger(shop, "openim-prod", { command: "callbackAfterSendGroupMsgCommand", count: 12 }, adminToken);
  await eventually(async () => (await shop.api("GET", "/endpoints", undefined, adminToken)).endpoints.find((e) => e.name === "archive").backlog >= 12);
  await page.goto(shop.url + "/");
  await page.getByText(/shop\/archive: .*the archive is being moved/).waitFor();
  await page.goto(shop.url + "/endpoints/shop/archive");

  await page.getByRole("button", { name: "Replay" }).click();
  const dialog = page.getByRole("dialog");
  assert.ok(await dialog.getByRole("button", { name: "Replay" }).isDisabled(), "a replay begins without a count");
  await dialog.getByRole("button", { name: "Count first" }).click();
  await dialog.getByText(/\d+ events would be delivered/).waitFor();
  await shot(page, "replay");
  await dialog.getByRole("button", { name: /^Replay \d+ events$/ }).click();
  await page.getByRole("table", { name: "Requeues and replays" }).waitFor();

  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByText("It is paused").waitFor({ state: "detached" });
  await eventually(async () => (await shop.api("GET", "/endpoints", undefined, adminToken)).endpoints.find((e) => e.name === "archive").backlog === 0);
  await page.getByRole("cell", { name: "done" }).waitFor();
  await shot(page, "endpoint");
  await close(page);
});

test("dead letters: grouped, edited and resent, requeued", patient, async () => {
  await trigger(shop, "openim-prod", { command: "callbackAfterCreateGroupCommand", count: 4 }, adminToken);
  await eventually(async () => (await shop.api("GET", "/deadletters/groups", undefined, adminToken)).letters >= 4);
  const page = await shopPage("/deadletters");
  const row = page.getByRole("table", { name: "Groups of dead letters" }).getByRole("row", { name: /shop\/crm/ });
  await row.waitFor();
  await shot(page, "deadletters");
  const [download] = await Promise.all([page.waitForEvent("download"), row.getByRole("link", { name: "Export" }).click()]);
  const lines = readFileSync(await download.path(), "utf8").trim().split("\n");
  assert.equal(lines.length, 4);
  assert.equal(JSON.parse(lines[0]).imendpoint, "shop/crm");

  await row.getByRole("link", { name: "shop/crm" }).click();
  const first = page.getByRole("table", { name: "Dead letters, the oldest first" }).getByRole("row").nth(1);
  await first.getByRole("link").click();
  await page.getByText('unknown field \\"groupOwner\\"').first().waitFor();
  await shot(page, "deadletter");
  bad.answer = 200;
  const before = bad.got.length;
  await page.getByRole("button", { name: "Edit and resend" }).click();
  const text = page.getByLabel(/What came over the wire/);
  await text.fill((await text.inputValue()).replace(/"groupName": "[^"]*"/, '"groupName": "mended by hand"'));
  await page.getByRole("button", { name: "Look first" }).click();
  await page.getByText("It would be group.create").waitFor();
  await page.getByRole("button", { name: "Resend", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "group.create" }).waitFor();
  await eventually(() => bad.got.slice(before).some((g) => g.body.includes("mended by hand")));

  await page.goto(shop.url + "/deadletters");
  await row.getByRole("button", { name: "Requeue" }).click();
  await page.getByText("3 dead letters are delivered again, the oldest first.").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Requeue" }).click();
  await eventually(async () => (await shop.api("GET", "/deadletters/groups", undefined, adminToken)).letters === 0);
  await page.getByText("Nothing is set aside").waitFor();
  assert.equal(bad.got.slice(before).filter((g) => g.headers["webhook-id"] || g.body.includes("group.create")).length, 4);
  await close(page);
});

test("a rule is tested against what is kept, with the clause that failed", patient, async () => {
  const page = await shopPage("/endpoints/shop/texts?tab=rule");
  await page.getByRole("button", { name: "Would they match?" }).click();
  await page.getByText(/\d+ of \d+ match/).waitFor();
  await page.getByText(/The clause (events|when) is not met/).first().waitFor();
  await shot(page, "rule");
  await page.getByRole("button", { name: "Another rule" }).click();
  await page.getByLabel("Condition (when)").fill("event.mesage.kind == 1");
  await page.getByRole("button", { name: "Would they match?" }).click();
  await page.getByRole("alert").filter({ hasText: "mesage" }).waitFor();
  await close(page);
});

test("an endpoint is made, refused with words beside the field, changed and deleted", patient, async () => {
  const page = await shopPage("/endpoints/new");
  await page.getByLabel("Name").fill("partner");
  await page.getByLabel("URL").fill("ftp://partner.example");
  await page.locator(".field.wrong").filter({ hasText: "URL" }).locator(".problem").first().waitFor();
  await shot(page, "edit");
  await page.getByLabel("URL").fill("https://partner.example/callback");
  await page.getByLabel("Timeout").fill("10 s");
  await page.locator(".field.wrong").filter({ hasText: "Timeout" }).waitFor();
  assert.ok(await page.getByRole("button", { name: "Create" }).isDisabled());
  await page.getByLabel("Timeout").fill("10s");
  await page.locator(".field.wrong").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText("Defined here by").waitFor();
  await page.getByRole("link", { name: "Edit" }).click();
  const yaml = page.getByLabel("All keys of the configuration file can be written here.");
  await yaml.fill((await yaml.inputValue()) + "concurrency: 4\n");
  await page.getByText("+ concurrency: 4").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Defined here by").waitFor();
  await page.getByRole("cell", { name: "concurrency" }).waitFor();
  await page.goto(shop.url + "/access/audit?target=partner");
  await page.getByText("putEndpoint").first().waitFor();
  await page.getByText("What was changed").first().click();
  await page.goto(shop.url + "/endpoints/shop/partner?tab=definition");
  await page.getByRole("button", { name: "Delete" }).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: "Delete" });
  await eventually(async () => !(await sure.isDisabled()));
  await sure.click();
  await heading(page, "Endpoints");
  await eventually(async () => !(await shop.api("GET", "/endpoints", undefined, adminToken)).endpoints.some((e) => e.name === "partner" && e.state !== "removed"));
  await close(page);
});

test("hostile payloads are shown as text and never run", patient, async () => {
  const nasty = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>\u202Egnp.exe\u0007\u200b{{7*7}}`;
  const lane = `<svg onload=window.ran=1>\u202e`;
  const body = JSON.stringify({
    callbackCommand: "callbackAfterSendGroupMsgCommand", sendID: nasty, groupID: lane, serverMsgID: "hostile-1", clientMsgID: "hostile-2", operationID: "hostile", senderPlatformID: 1, senderNickname: nasty,
    sessionType: 3, msgFrom: 100, contentType: 101, status: 1, sendTime: Date.now(), createTime: Date.now(), content: JSON.stringify({ content: nasty + "x".repeat(200_000) }), seq: 1, ex: nasty,
  });
  const res = await fetch(sandbox.url + "/in/openim/callbackAfterSendGroupMsgCommand", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  assert.equal(res.status, 200, await res.text());
  const id = (await eventually(async () => (await sandbox.api("GET", "/events?source=openim&limit=5")).events.find((e) => e.data?.message?.id === "hostile-1"))).id;
  const page = await open(sandbox, "/sources/sandbox/openim");
  await page.getByText("<img src=x onerror").first().waitFor();
  await page.goto(sandbox.url + "/events/" + id);
  await page.getByRole("heading", { name: "As it came" }).waitFor();
  await page.getByText("<script>window.ran=1</script>").first().waitFor();
  assert.ok((await page.locator(".ctl", { hasText: "RLO" }).count()) > 0, "the mark of direction is not seen");
  assert.ok((await page.locator(".ctl", { hasText: "BEL" }).count()) + (await page.getByText("\\u0007").count()) > 0, "the control character is not seen");
  assert.doesNotMatch(await page.locator("body").innerText(), /[\u202e\u200b\u0007]/, "a character that nobody sees is in the page as it came");
  await page.getByText("The first 32 KiB of").first().waitFor();
  await shot(page, "hostile");
  await page.goto(sandbox.url + "/tail");
  await page.goto(sandbox.url + "/search?q=" + encodeURIComponent(`<img src=x onerror=window.ran=1>`));
  await heading(page, "Search");
  assert.equal(await page.evaluate(() => window.ran), undefined, "a script of a payload ran");
  await close(page);
});

test("the live tail shows events as they come, and is held", patient, async () => {
  const page = await shopPage("/tail");
  await page.getByText("Nothing has come since you opened this").waitFor();
  await page.locator(".how.stream, .how.asked").waitFor();
  await trigger(shop, "openim-prod", { sequence: "group" }, adminToken);
  await page.getByRole("row", { name: /group\.create/ }).first().waitFor();
  await page.getByRole("row", { name: /group\.create/ }).first().getByText("delivered").waitFor();
  await shot(page, "tail");
  await page.getByRole("button", { name: "Hold" }).click();
  const rows = await page.getByRole("row").count();
  await trigger(shop, "openim-prod", { command: "callbackAfterSendGroupMsgCommand", count: 3 }, adminToken);
  await page.getByRole("button", { name: "Go on (3)" }).waitFor();
  assert.equal(await page.getByRole("row").count(), rows);
  await page.getByRole("button", { name: /^Go on/ }).click();
  await eventually(async () => (await page.getByRole("row").count()) > rows);
  await close(page);
});

test("Chinese follows the browser, and both can be chosen", patient, async () => {
  const page = await open(sandbox, "/", { locale: "zh-CN" });
  await heading(page, "总览");
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  await shot(page, "overview-zh");
  await page.getByRole("button", { name: "English" }).click();
  await heading(page, "Overview");
  await page.reload();
  await heading(page, "Overview");
  await page.getByRole("button", { name: "中文" }).click();
  await page.getByRole("link", { name: "死信" }).click();
  await heading(page, "死信");
  await close(page);
});

test("the keyboard is enough", patient, async () => {
  const page = await shopPage("/search");
  await page.getByRole("row").nth(2).waitFor();
  await page.locator("tbody tr").first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "What happened" }).waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("type")), "search");
  await page.keyboard.press("Escape");
  assert.notEqual(await page.evaluate(() => document.activeElement.getAttribute("type")), "search");
  await page.goto(shop.url + "/endpoints/shop/backend");
  await page.getByRole("button", { name: "Replay" }).click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await close(page);
});

test("a gateway that goes away is said, and comes back", patient, async () => {
  let one = await gateway(bin);
  const page = await open(one, "/");
  await page.locator(".how.stream").waitFor();
  await one.stop();
  await page.getByText("no connection").waitFor();
  one = await gateway(bin, undefined, one.url.replace("http://", ""));
  await page.locator(".how.stream").waitFor();
  await close(page);
  await one.stop();
});

const pages = [
  ["/", "Overview"], ["/send", "Send a test callback"], ["/search", "Search"], ["/tail", "Live tail"], ["/sources", "Sources"], ["/sources/shop/openim-prod", "shop/openim-prod"],
  ["/hooks", "Hooks"], ["/hooks/shop/words", "shop/words"], ["/endpoints", "Endpoints"], ["/endpoints/shop/crm", "shop/crm"], ["/endpoints/shop/crm?tab=definition", "shop/crm"], ["/endpoints/new", "New endpoint"],
  ["/deadletters", "Dead letters"], ["/charts", "Charts"], ["/access", "Access"], ["/access/audit", "Access"], ["/no/such/page", "There is no such page"],
];

test("every page: no serious finding of axe, in light and dark, and nothing wider than a telephone", patient, async () => {
  bad.answer = 503;
  bad.body = "upstream is down";
  await shop.api("POST", "/endpoints/shop/archive/pause", { why: "the archive is being moved" }, adminToken);
  const traffic = setInterval(() => {
    for (const [command, count] of [["callbackAfterSendGroupMsgCommand", 8], ["callbackBeforeSendGroupMsgCommand", 3]])
      void trigger(shop, "openim-prod", { command, count }, adminToken).catch(() => {});
  }, 400);
  await trigger(shop, "openim-prod", { command: "callbackAfterCreateGroupCommand", count: 6 }, adminToken);
  try {
    const found = {};
    const wide = [];
    for (const colorScheme of ["light", "dark"]) {
      const page = await shopPage("/", { colorScheme });
      for (const [path, name] of pages) {
        await page.goto(shop.url + path);
        await heading(page, name);
        await page.locator(".loading").first().waitFor({ state: "detached" });
        if (path === "/") await page.locator(".arrow.active").first().waitFor();
        if (path === "/charts") await page.locator(".chart canvas").first().waitFor();
        const said = await serious(page);
        if (said.length) found[`${path} ${colorScheme}`] = said;
        const file = { "/": "overview", "/charts": "charts", "/endpoints": "endpoints", "/sources/shop/openim-prod": "source", "/hooks/shop/words": "hook", "/endpoints/shop/crm?tab=definition": "definition" }[path];
        if (file && colorScheme === "light") await shot(page, file);
        if (path === "/" && colorScheme === "dark") await shot(page, "overview-dark");
      }
      await close(page);
    }
    const phone = await shopPage("/", { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    for (const [path, name] of pages) {
      await phone.goto(shop.url + path);
      await heading(phone, name);
      await phone.locator(".loading").first().waitFor({ state: "detached" });
      const over = await phone.evaluate(() => [document.documentElement, document.querySelector("main")].some((e) => e.scrollWidth > e.clientWidth + 1));
      if (over) wide.push(path);
      const file = { "/": "overview-390", "/endpoints/shop/crm": "endpoint-390" }[path];
      if (file) await shot(phone, file);
    }
    await phone.getByRole("button", { name: "Menu" }).click();
    await phone.getByRole("link", { name: "Charts" }).click();
    await heading(phone, "Charts");
    await close(phone);
    assert.deepEqual(found, {});
    assert.deepEqual(wide, []);
  } finally {
    clearInterval(traffic);
  }
});

test("nothing broke, and the policy stopped nothing", () => assert.deepEqual(trouble, []));
