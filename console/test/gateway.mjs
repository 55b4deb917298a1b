// A gateway of the real binary, and a backend that answers as it is told.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The binary: that of IMHOOK_BIN, or one that is built now. */
export function binary() {
  if (process.env.IMHOOK_BIN) return process.env.IMHOOK_BIN;
  const to = join(mkdtempSync(join(tmpdir(), "imhook-bin-")), "imhook");
  const built = spawnSync("go", ["build", "-o", to, "./cmd/imhook"], { cwd: root, stdio: "inherit" });
  if (built.status !== 0) throw new Error("building imhook failed");
  return to;
}

/** Starts a gateway; without a configuration it is a sandbox. */
export async function gateway(bin, config, listen = "127.0.0.1:0") {
  const dir = mkdtempSync(join(tmpdir(), "imhook-console-"));
  const args = ["serve", "--listen", listen, "--data", join(dir, "data")];
  if (config) {
    writeFileSync(join(dir, "imhook.yaml"), config);
    args.push("--config", join(dir, "imhook.yaml"));
  }
  const child = spawn(bin, args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const url = await new Promise((found, failed) => {
    const look = (b) => {
      said += b;
      const m = /listens on (http:\/\/[\d.:]+)/.exec(said) ?? /listen(?:s|ing)[^\n]*?(?:addr=|")(127\.0\.0\.1:\d+)/.exec(said);
      if (m) found(m[1].startsWith("http") ? m[1] : "http://" + m[1]);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", (code) => failed(new Error(`the gateway ended with ${code}:\n${said}`)));
    setTimeout(() => failed(new Error(`the gateway did not start:\n${said}`)), 60_000).unref();
  });
  return {
    url,
    log: () => said,
    async api(method, path, body, token) {
      const res = await fetch(url + "/api/v1" + path, {
        method,
        headers: { ...(token ? { Authorization: "Bearer " + token } : {}), ...(method === "GET" ? {} : { "Content-Type": "application/json" }) },
        body: method === "GET" ? undefined : JSON.stringify(body ?? {}),
      });
      const text = await res.text();
      if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`);
      return text ? JSON.parse(text) : {};
    },
    async stop() {
      const ended = new Promise((f) => child.on("exit", f));
      child.kill("SIGTERM");
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A backend: answer is what it says from now on, got what it was told. */
export async function backend() {
  const b = { answer: 200, body: "{}", got: [], url: "", stop: undefined };
  const server = createServer((req, res) => {
    let body = "";
    req.on("data", (d) => (body += d));
    req.on("end", () => {
      b.got.push({ path: req.url, headers: req.headers, body });
      res.writeHead(b.answer, { "Content-Type": "application/json" });
      res.end(b.body);
    });
  });
  await new Promise((f) => server.listen(0, "127.0.0.1", f));
  b.url = `http://127.0.0.1:${server.address().port}/callback`;
  b.stop = () => new Promise((f) => (server.closeAllConnections(), server.close(f)));
  return b;
}

/** Waits until something is so, and says what it was last. */
export async function eventually(what, within = 90_000) {
  const end = Date.now() + within;
  for (;;) {
    try {
      const v = await what();
      if (v) return v;
      if (Date.now() > end) throw new Error("it did not become so: " + what);
    } catch (e) {
      if (Date.now() > end) throw e;
    }
    await new Promise((f) => setTimeout(f, 100));
  }
}
