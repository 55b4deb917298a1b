import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent } from "react";
import { useLocation, useSearch } from "wouter";
import { foundOf, get, type CloudEvent, type Endpoint, type FoundEvent, type SearchAnswer } from "../api";
import { span, useWords } from "../i18n";
import { EventTable } from "../parts/events";
import { Choice, Empty, ErrorNote, Input, Loading, Note, Page, useMe } from "../parts/ui";
import { seen } from "../parts/text";

const parts = ["user", "conversation", "type", "endpoint", "outcome", "since", "until"] as const;
type Parts = Record<(typeof parts)[number], string>;

const outcomes = ["delivered", "retrying", "waiting", "parked", "expired", "failed", "unpicked", "left out", "allow", "deny", "drop", "rewrite"];

interface Answer extends SearchAnswer {
  journal?: boolean;
}

/** Finds an event by anything that is known of it. */
export function SearchPage() {
  const { t } = useWords();
  const me = useMe();
  const [, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const q = params.get("q") ?? "";
  const now = Object.fromEntries(parts.map((p) => [p, params.get(p) ?? ""])) as Parts;
  const [draft, setDraft] = useState(now);
  const [text, setText] = useState(q);
  const key = params.toString();
  useEffect(() => {
    setDraft(now);
    setText(q);
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key]);
  const endpoints = useQuery({ queryKey: ["endpoints"], queryFn: ({ signal }) => get<{ endpoints: Endpoint[] }>("/endpoints", {}, signal) });
  const off = me.history === "off";
  const found = useInfiniteQuery({
    queryKey: ["search", key, off],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => (off ? journal(q, now, pageParam, signal) : get<Answer>("/search", { q, ...now, limit: 50, after: pageParam }, signal)),
    getNextPageParam: (last: Answer) => last.next || undefined,
  });
  const events = found.data?.pages.flatMap((p) => p.events) ?? [];
  const last = found.data?.pages.at(-1);
  const submit = (e?: FormEvent, d = draft, w = text) => {
    e?.preventDefault();
    const next = new URLSearchParams();
    if (w.trim()) next.set("q", w.trim());
    for (const p of parts) if (d[p].trim()) next.set(p, d[p].trim());
    go("/search" + (next.size ? "?" + next.toString() : ""));
  };
  const set = (p: keyof Parts) => (v: string) => setDraft({ ...draft, [p]: v });
  const choose = (p: keyof Parts) => (v: string) => submit(undefined, { ...draft, [p]: v });
  const narrowed = q !== "" || parts.some((p) => now[p]);
  return (
    <Page title={t("Search")}>
      <form className="card fields" onSubmit={submit}>
        <Input label={t("What you know")} value={text} set={setText} autoFocus={!narrowed} placeholder={t("a message, a user, a group, an event; or user:alice outcome:parked since:2h")} />
        <div className="filters">
          <Input label={t("User")} value={draft.user} set={set("user")} />
          <Input label={t("Conversation")} value={draft.conversation} set={set("conversation")} placeholder="group:g1" />
          <Input label={t("Type")} value={draft.type} set={set("type")} placeholder="message.*" />
          {!off && (
            <>
              <Choice label={t("Endpoint")} value={draft.endpoint} set={choose("endpoint")}
                options={[{ value: "", text: t("any") }, ...(endpoints.data?.endpoints.map((e) => `${e.app}/${e.name}`) ?? [])]} />
              <Choice label={t("Outcome")} value={draft.outcome} set={choose("outcome")} options={[{ value: "", text: t("any") }, ...outcomes.map((o) => ({ value: o, text: t(o) }))]} />
            </>
          )}
          <Choice label={t("Since")} value={draft.since} set={choose("since")}
            options={[...new Set(["", "10m", "1h", "6h", "24h", "72h", draft.since])].map((v) => ({ value: v, text: v === "" ? t("any time") : t("{span} ago", { span: v }) }))} />
          <button className="button primary">{t("Search")}</button>
        </div>
      </form>
      {off && <Note kind="warn">{t("This gateway keeps no history (history.off): the journal itself is looked through, by event, conversation, type and time.")}</Note>}
      {last?.words && <Note kind="warn">{seen(last.words)}</Note>}
      {!!last?.lag && last.lag > 1 && <Note kind="warn">{t("The newest {span} of events are not in the history yet.", { span: span(last.lag) })}</Note>}
      <ErrorNote error={found.error} retry={() => void found.refetch()} />
      {found.isPending ? (
        <Loading />
      ) : events.length > 0 ? (
        <EventTable
          label={t("Events that were found")}
          events={events}
          more={
            found.hasNextPage && (
              <button className="button" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
                {t("Older ones")}
              </button>
            )
          }
        />
      ) : (
        !found.error && (
          <div className="card">
            <Empty icon="search" title={narrowed ? t("Nothing was found") : t("No events yet")}>
              {found.hasNextPage ? (
                <button className="button" onClick={() => void found.fetchNextPage()}>
                  {t("Look further back")}
                </button>
              ) : narrowed ? (
                t("Ids must be whole. A conversation is its kind and id, group:g1. Try without some of the filters.")
              ) : (
                <a href="/send" onClick={(e) => (e.preventDefault(), go("/send"))}>
                  {t("Send a test callback")}
                </a>
              )}
            </Empty>
          </div>
        )
      )}
    </Page>
  );
}

/** Looks through the journal where there is no history. */
async function journal(q: string, p: Parts, before: string, signal: AbortSignal): Promise<Answer> {
  const list = (more: Record<string, string>) =>
    get<{ events: CloudEvent[]; next?: string }>("/events", { limit: 50, type: p.type, conversation: p.conversation, since: p.since, before, ...more }, signal);
  const shown = (a: { events: CloudEvent[]; next?: string }): Answer => ({ events: a.events.map((e): FoundEvent => foundOf(e)), next: a.next, journal: true });
  if (!q) return shown(await list({}));
  if (q.includes(":")) {
    const lane = await list({ conversation: q });
    if (lane.events.length) return shown(lane);
    return shown(await list({ link: q }));
  }
  const byID = await list({ id: q });
  if (byID.events.length || before) return shown(byID);
  const others: Record<string, string>[] = [{ link: "msg:" + q }, { conversation: "group:" + q }, { conversation: "user:" + q }, { conversation: "direct:" + q }];
  for (const more of others) {
    const a = await list(more).catch(() => ({ events: [] as CloudEvent[] }));
    if (a.events.length) return shown(a);
  }
  return shown(byID);
}
