// The overview as it is now: told once a second by the gateway, or put together of its
// listings where it does not tell.
import { useEffect, useState } from "react";
import { address, get, Refused, type Endpoint, type Hook, type LiveEndpoint, type Overview, type Source } from "./api";

export interface Live {
  overview?: Overview;
  /** How it is known: told by a stream, asked for, or not at all now. */
  how: "stream" | "asked" | "lost" | "starting";
  error?: unknown;
}

const everyMS = 2000;

/** What an endpoint's state means for somebody who should look, in words. */
function problemOf(e: Endpoint): string | undefined {
  if (e.state === "paused") return `paused: ${e.paused ?? ""}` + (e.backlog ? `; ${e.backlog} events wait` : "");
  if (e.breaker === "open") return `left alone because it failed${e.lastError ? ": " + e.lastError : ""}; ${e.backlog} events wait`;
  if (e.blocked) return `${e.blocked} conversations are blocked until somebody acts`;
  if (e.lastError && e.backlog > 0) return `fails: ${e.lastError}`;
  return undefined;
}

async function listings(signal: AbortSignal): Promise<Overview> {
  const [sources, hooks, endpoints] = await Promise.all([
    get<{ sources: Source[] }>("/sources", {}, signal),
    get<{ hooks: Hook[] }>("/hooks", {}, signal).catch(() => ({ hooks: [] })),
    get<{ endpoints: Endpoint[] }>("/endpoints", {}, signal),
  ]);
  return {
    at: new Date().toISOString(),
    sources: sources.sources.map((s) => ({ app: s.app, name: s.name, dialect: s.dialect, generation: s.generation, per_second: 0, refused_per_second: 0 })),
    hooks: hooks.hooks.map((h) => ({
      app: h.app, name: h.name, kind: h.builtin ?? h.dialect ?? "", per_second: 0, allowed: 0, denied: 0, failed: 0,
      breaker: h.state === "open" ? "open" : "closed", problem: h.trouble,
    })),
    endpoints: endpoints.endpoints.map(
      (e): LiveEndpoint => ({
        app: e.app, name: e.name, state: e.state, per_second: e.deliveredPerSecond ?? 0, failed_per_second: 0, backlog: e.backlog, more: e.more,
        oldest_age_s: e.oldestAgeSeconds ?? 0, in_flight: e.inFlight, ramp: e.ramp?.limit, ramp_of: e.ramp?.of, breaker: e.breaker, paused: e.paused, problem: problemOf(e),
      }),
    ),
  };
}

/** Follows the overview while the page is shown. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({ how: "starting" });
  useEffect(() => {
    let over = false;
    let stream: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = new AbortController();

    const poll = async (again: number) => {
      try {
        const overview = await listings(stop.signal);
        if (!over) setLive({ overview, how: "asked" });
      } catch (e) {
        if (over) return;
        setLive((l) => ({ ...l, how: "lost", error: e }));
        if (e instanceof Refused && e.status === 401) return;
      }
      // Now and then it is tried whether the gateway tells by itself.
      if (!over) timer = setTimeout(() => (again > 0 ? void poll(again - 1) : open()), everyMS);
    };
    const open = () => {
      stream = new EventSource(address("/live"));
      stream.addEventListener("overview", (e) => {
        if (!over) setLive({ overview: JSON.parse((e as MessageEvent<string>).data) as Overview, how: "stream" });
      });
      stream.onerror = () => {
        if (over || !stream) return;
        if (stream.readyState === EventSource.CLOSED) {
          stream.close();
          void poll(15);
        } else setLive((l) => ({ ...l, how: l.overview ? "lost" : l.how }));
      };
    };
    const visible = () => {
      if (document.visibilityState === "hidden") {
        stream?.close();
        clearTimeout(timer);
      } else if (!over) {
        stream?.close();
        clearTimeout(timer);
        open();
      }
    };
    open();
    document.addEventListener("visibilitychange", visible);
    return () => {
      over = true;
      stop.abort();
      stream?.close();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", visible);
    };
  }, []);
  return live;
}
