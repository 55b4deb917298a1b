import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { get, type LiveEndpoint, type LiveHook, type LiveSource, type Overview, type Status } from "../api";
import { bytes, rate, span, useWords } from "../i18n";
import { useLive } from "../live";
import { Icon } from "../parts/icon";
import { Shown } from "../parts/text";
import { Ago, Badge, Empty, ErrorNote, Loading, Meter, Note, Page, useMe } from "../parts/ui";

/** The whole at a glance: who calls, what is done with it, who is told. */
export function OverviewPage() {
  const { t } = useWords();
  const live = useLive();
  const status = useQuery({ queryKey: ["status"], queryFn: ({ signal }) => get<Status>("/status", {}, signal), refetchInterval: 5000 });
  // What was removed and waits for nothing is only kept in mind.
  const told = live.overview;
  const gone = told?.endpoints.filter((e) => e.state === "removed" && e.backlog === 0) ?? [];
  const o = told && { ...told, endpoints: told.endpoints.filter((e) => !gone.includes(e)), problems: told.problems?.filter((p) => !gone.some((e) => p.includes(`${e.app}/${e.name}`))) };
  return (
    <Page
      wide
      title={t("Overview")}
      actions={
        <>
          <How live={live.how} at={o?.at} />
          <Link className="button primary" href="/send">
            <Icon name="send" />
            <span>{t("Send a test callback")}</span>
          </Link>
        </>
      }
    >
      {live.how === "lost" && <ErrorNote error={live.error ?? new Error(t("The stream broke off; what you see is from before."))} />}
      <Problems o={o} status={status.data} />
      {o && o.sources.length > 0 && o.sources.every((s) => !s.last_at && !s.per_second) && live.how === "stream" && (
        <Note>
          {t("Nothing has come since this gateway started.")} <Link href="/send">{t("Send a test callback")}</Link> {t("or have your IM server call")}{" "}
          <code>{window.location.origin}/in/{o.sources[0]!.name}</code>
        </Note>
      )}
      {o ? <Flow o={o} status={status.data} /> : live.how !== "lost" && <Loading />}
    </Page>
  );
}

function How({ live, at }: { live: string; at?: string }) {
  const { t } = useWords();
  return (
    <span className={"how " + live} title={at}>
      <span className="dot" />
      {live === "stream" ? t("live") : live === "asked" ? t("every 2 s") : live === "lost" ? t("no connection") : t("connecting")}
    </span>
  );
}

/** What somebody should look at, in words. */
function Problems({ o, status }: { o?: Overview; status?: Status }) {
  const { t } = useWords();
  const me = useMe();
  const all: { text: string; href?: string }[] = [];
  if (status?.journal.trouble) all.push({ text: t("The journal cannot keep callbacks: {why}", { why: status.journal.trouble }) });
  if (status?.config.refused) all.push({ text: t("The configuration file is not in force: {why}", { why: status.config.refused }) });
  const own = new Set<string>();
  for (const e of o?.endpoints ?? []) if (e.problem) all.push({ text: `${e.app}/${e.name}: ${e.problem}`, href: `/endpoints/${e.app}/${e.name}` }), own.add(e.problem);
  for (const h of o?.hooks ?? []) if (h.problem) all.push({ text: `${h.app}/${h.name}: ${h.problem}`, href: `/hooks/${h.app}/${h.name}` }), own.add(h.problem);
  for (const s of o?.sources ?? []) if (s.problem) all.push({ text: `${s.app}/${s.name}: ${s.problem}`, href: `/sources/${s.app}/${s.name}` }), own.add(s.problem);
  for (const p of o?.problems ?? []) if (![...own].some((w) => p.includes(w)) && !all.some((a) => a.text.includes(p) || p.includes(a.text))) all.push({ text: p });
  const history = o?.history?.state ?? me.history;
  return (
    <>
      {all.length > 0 && (
        <section className="problems" aria-label={t("Look here")}>
          {all.slice(0, 8).map((p, i) => (
            <div className="note bad" key={i}>
              <Icon name="warn" />
              <div>
                {p.href ? (
                  <Link href={p.href}>
                    <Shown text={p.text} most={400} />
                  </Link>
                ) : (
                  <Shown text={p.text} most={400} />
                )}
              </div>
            </div>
          ))}
          {all.length > 8 && <p className="faint small">{t("and {n} others", { n: all.length - 8 })}</p>}
        </section>
      )}
      {(history.startsWith("broken") || history.startsWith("catching up")) && (
        <Note kind="warn">
          {t("The history is not current, so search may miss the newest events. Deliveries do not need it.")} <span className="faint">({history})</span>
        </Note>
      )}
    </>
  );
}

const most = 40;

function Flow({ o, status }: { o: Overview; status?: Status }) {
  const { t, n } = useWords();
  const [all, setAll] = useState(false);
  const endpoints = [...o.endpoints].sort((x, y) => Number(Boolean(y.problem)) - Number(Boolean(x.problem)));
  const shown = all ? endpoints : endpoints.slice(0, most);
  const inRate = o.sources.reduce((s, x) => s + x.per_second, 0);
  const outRate = o.endpoints.reduce((s, x) => s + x.per_second, 0);
  const backlog = o.endpoints.reduce((s, x) => s + x.backlog, 0);
  const several = new Set([...o.sources, ...o.endpoints].map((x) => x.app)).size > 1;
  return (
    <div className="flow">
      <section className="flow-col" aria-labelledby="flow-sources">
        <header>
          <h2 id="flow-sources">{t("Sources")}</h2>
          <span className="faint">{rate(inRate)}</span>
        </header>
        {o.sources.length === 0 ? (
          <Empty title={t("Nobody calls yet")}>
            <Link href="/sources/new">{t("Define a source")}</Link>
          </Empty>
        ) : (
          <ul>
            {o.sources.slice(0, most).map((s) => (
              <SourceRow key={s.app + "/" + s.name} s={s} app={several} />
            ))}
          </ul>
        )}
      </section>
      <section className="flow-col path" aria-labelledby="flow-path">
        <header>
          <h2 id="flow-path">{t("Path")}</h2>
        </header>
        <ol>
          <li className="stage">
            <strong>{t("Receive")}</strong>
            <span className="faint">{t("verified, decoded")}</span>
            <span className="stage-n">{rate(inRate)}</span>
          </li>
          <li className="stage">
            <strong>{t("Decide")}</strong>
            <span className="faint">{o.hooks.length ? t("before-callbacks ask hooks") : t("no hooks: everything is allowed")}</span>
            <ul className="hooks">
              {o.hooks.map((h) => (
                <HookRow key={h.app + "/" + h.name} h={h} />
              ))}
            </ul>
          </li>
          <li className="stage">
            <strong>{t("Keep")}</strong>
            <span className="faint">{t("durable before it is answered")}</span>
            {status && (
              <>
                <Meter value={status.journal.unfinishedBytes} of={status.journal.retainBytes} label={t("How full the journal is")} />
                <span className="small faint">
                  {t("{n} unfinished of {all}", { n: bytes(status.journal.unfinishedBytes), all: bytes(status.journal.retainBytes) })}
                </span>
              </>
            )}
          </li>
          <li className="stage">
            <strong>{t("Deliver")}</strong>
            <span className="faint">{backlog ? t("{n} events wait", { n: n(backlog) }) : t("nothing waits")}</span>
            <span className="stage-n">{rate(outRate)}</span>
          </li>
        </ol>
      </section>
      <section className="flow-col" aria-labelledby="flow-endpoints">
        <header>
          <h2 id="flow-endpoints">{t("Endpoints")}</h2>
          <span className="faint">{rate(outRate)}</span>
        </header>
        {o.endpoints.length === 0 ? (
          <Empty title={t("Nobody is told yet")}>
            <Link href="/endpoints/new">{t("Define an endpoint")}</Link>
          </Empty>
        ) : (
          <ul>
            {shown.map((e) => (
              <EndpointRow key={e.app + "/" + e.name} e={e} app={several} />
            ))}
          </ul>
        )}
        {endpoints.length > shown.length && (
          <button className="link" onClick={() => setAll(true)}>
            {t("Show all {n}", { n: n(endpoints.length) })}
          </button>
        )}
      </section>
    </div>
  );
}

function Arrow({ active, bad, children }: { active: boolean; bad: boolean; children: React.ReactNode }) {
  return (
    <span className={"arrow" + (active ? " active" : "") + (bad ? " bad" : "")}>
      <span className="arrow-label">{children}</span>
      <span className="arrow-line" aria-hidden="true" />
    </span>
  );
}

function SourceRow({ s, app }: { s: LiveSource; app: boolean }) {
  const { t } = useWords();
  return (
    <li className="flow-row">
      <Link href={`/sources/${s.app}/${s.name}`} className={"node" + (s.problem ? " bad" : "")}>
        <span className="node-name">
          <Shown text={app ? `${s.app}/${s.name}` : s.name} />
        </span>
        <span className="faint small">
          {s.dialect === s.name ? (s.generation ?? "") : s.dialect}
          {s.last_at ? (
            <>
              {" · "}
              <Ago at={s.last_at} />
            </>
          ) : null}
        </span>
        {s.problem && (
          <span className="why">
            <Shown text={s.problem} />
          </span>
        )}
      </Link>
      <Arrow active={s.per_second > 0} bad={s.refused_per_second > 0}>
        {rate(s.per_second)}
        {s.refused_per_second > 0 && <span className="bad-text">{t("{rate} refused", { rate: rate(s.refused_per_second) })}</span>}
      </Arrow>
    </li>
  );
}

function HookRow({ h }: { h: LiveHook }) {
  const { t } = useWords();
  return (
    <li>
      <Link href={`/hooks/${h.app}/${h.name}`} className={"node small" + (h.problem ? " bad" : "")}>
        <span className="node-name">
          <Shown text={h.name} />
          {h.breaker && h.breaker !== "closed" && <Badge word={h.breaker} />}
        </span>
        <span className="faint small">
          {h.kind}
          {h.per_second > 0 ? ` · ${rate(h.per_second)}` : ""}
          {h.p99_ms ? ` · p99 ${span(h.p99_ms / 1000)}` : ""}
          {h.denied > 0 ? ` · ${t("{n} denied", { n: h.denied })}` : ""}
        </span>
        {h.problem && (
          <span className="why">
            <Shown text={h.problem} />
          </span>
        )}
      </Link>
    </li>
  );
}

function EndpointRow({ e, app }: { e: LiveEndpoint; app: boolean }) {
  const { t, n } = useWords();
  const ramping = !e.paused && e.ramp !== undefined && e.ramp_of !== undefined && e.ramp < e.ramp_of;
  return (
    <li className="flow-row">
      <Arrow active={e.per_second > 0} bad={Boolean(e.problem) || e.failed_per_second > 0}>
        {rate(e.per_second)}
        {e.failed_per_second > 0 && <span className="bad-text">{t("{rate} fail", { rate: rate(e.failed_per_second) })}</span>}
        {e.backlog > 0 && (
          <span>
            {t("{n} wait", { n: n(e.backlog) + (e.more ? "+" : "") })}
            {e.oldest_age_s ? `, ${span(e.oldest_age_s)}` : ""}
          </span>
        )}
        {e.breaker && e.breaker !== "closed" && <Badge word={e.breaker} title={t("Its breaker: open means that it is left alone because it failed.")} />}
      </Arrow>
      <Link href={`/endpoints/${e.app}/${e.name}`} className={"node" + (e.problem ? " bad" : "")}>
        <span className="node-name">
          <Shown text={app ? `${e.app}/${e.name}` : e.name} />
          {e.state !== "live" && <Badge word={e.state} />}
        </span>
        <span className="faint small">
          {e.dialect ? e.dialect : t("{n} in flight", { n: e.in_flight })}
          {e.dead_letters ? ` · ${t("{n} dead letters", { n: n(e.dead_letters) })}` : ""}
        </span>
        {ramping && <Meter value={e.ramp!} of={e.ramp_of!} label={t("How far it has recovered: {n} of {all} at once", { n: e.ramp!, all: e.ramp_of! })} />}
        {e.problem && (
          <span className="why">
            <Shown text={e.problem} />
          </span>
        )}
      </Link>
    </li>
  );
}

