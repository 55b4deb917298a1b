// What happened, step by step.
import { Link } from "wouter";
import { enc, type Attempt, type Decision, type Difference, type Exchange, type Step } from "../api";
import { span, useWords } from "../i18n";
import { Body, Copy, curl, seen, Shown } from "./text";
import { Badge, Facts } from "./ui";

const tone: Record<string, string> = {
  delivered: "good", kept: "good", received: "good", decided: "good", finished: "good", "left out": "", attempt: "bad", parked: "bad", expired: "bad", retrying: "warn", waiting: "warn",
  requeued: "warn", replayed: "warn", unpicked: "", unknown: "", removed: "",
};

const words: Record<string, string> = {
  received: "The before-callback came in", decided: "It was decided", kept: "The journal has it", attempt: "An attempt failed", delivered: "Delivered", "left out": "Left out",
  expired: "Expired", parked: "Set aside as a dead letter", requeued: "Delivered again from the dead letters", replayed: "Replayed", removed: "The dead letter was taken away",
  waiting: "It waits", retrying: "It is tried again", finished: "The endpoint is done with it", unpicked: "No endpoint's rule picked it", unknown: "Another gateway has it",
};

export function Timeline({ steps, id }: { steps: Step[]; id?: string }) {
  return (
    <ol className="timeline">
      {steps.map((s, i) => (
        <OneStep key={i} s={s} id={id} before={steps.slice(0, i).findLast((x) => x.at)?.at} />
      ))}
    </ol>
  );
}

function OneStep({ s, id, before }: { s: Step; id?: string; before?: string }) {
  const { t, time, moment } = useWords();
  const kind = s.kind === "decided" && s.decision ? (s.decision.verdict === "allow" ? "good" : s.decision.verdict === "rewrite" ? "warn" : "bad") : (tone[s.kind] ?? "");
  const gap = s.at && before ? (Date.parse(s.at) - Date.parse(before)) / 1000 : 0;
  return (
    <li className={"step " + kind}>
      <div className="step-head">
        <strong>{t(words[s.kind] ?? s.kind)}</strong>
        {s.endpoint && (
          <Link href={"/endpoints/" + s.endpoint}>
            <Shown text={s.endpoint} />
          </Link>
        )}
        {s.decision && <Badge word={s.decision.verdict} />}
        {s.number ? <span className="faint small">{t("attempt {n}", { n: s.number })}</span> : null}
        {s.status ? <span className="mono">{s.status}</span> : null}
        {s.reason && s.kind !== "delivered" && <Badge word={s.reason} tone="bad" />}
        {s.repeat && s.repeat !== s.kind && <Badge word={s.repeat} tone="plain" />}
        {s.seconds ? <span className="faint small">{t("took {span}", { span: span(s.seconds) })}</span> : null}
        {s.at && (
          <time className="faint small" dateTime={s.at} title={moment(s.at)}>
            {time(s.at)}
            {gap >= 0.0005 ? ` (+${span(gap)})` : ""}
          </time>
        )}
        {s.event && id && s.event !== id && (
          <Link className="small" href={`/events/${enc(s.event)}`}>
            {t("of another event of the message")}
          </Link>
        )}
        {s.deadletter && (
          <Link className="small" href={`/deadletters/${enc(s.deadletter)}`}>
            {t("dead letter {id}", { id: s.deadletter })}
          </Link>
        )}
        {s.due && <span className="faint small">{t("next try {time}", { time: time(s.due) })}</span>}
      </div>
      {s.words && <p className="small faint">{t(s.words)}</p>}
      {s.attempt && <AttemptMore a={s.attempt} />}
      {s.decision && <DecisionMore d={s.decision} />}
    </li>
  );
}

export function AttemptMore({ a }: { a: Attempt }) {
  const { t } = useWords();
  const failed = a.outcome !== "delivered";
  return (
    <>
      {a.detail && (
        <p className={"small " + (failed ? "bad-text" : "faint")}>
          <Shown text={a.detail} most={400} />
        </p>
      )}
      {a.retryAfter ? <p className="small faint">{t("The endpoint asked for {span} of quiet.", { span: span(a.retryAfter) })}</p> : null}
      {a.exchange && (
        <details>
          <summary>{t("Request and response")}</summary>
          <ExchangeMore x={a.exchange} />
        </details>
      )}
    </>
  );
}

export function ExchangeMore({ x }: { x: Exchange }) {
  const { t } = useWords();
  return (
    <div className="step-more">
      <div className="body-tools">
        <span className="label mono">
          <Shown text={"POST " + x.url} most={300} />
        </span>
        <Copy label={t("Copy as curl")} text={() => curl({ url: x.url, headers: /^\s*[[{]/.test(x.request ?? "") ? { "Content-Type": "application/json" } : {}, body: x.request })} />
      </div>
      {x.request && <Body label={t("Request")} text={x.request} name="request" />}
      {x.error ? (
        <p className="bad-text">
          <Shown text={x.error} most={600} />
        </p>
      ) : null}
      {x.status ? (
        <p>
          {t("Answer")} <span className="mono">{x.status}</span>
        </p>
      ) : null}
      {x.head && <pre className="small">{seen(x.head)}</pre>}
      {x.response !== undefined && <Body label={t("Response")} text={x.response} name="response" />}
    </div>
  );
}

function value(v: unknown): string {
  return v === undefined ? "" : typeof v === "string" ? v : JSON.stringify(v);
}

export function Differences({ all }: { all: Difference[] }) {
  const { t } = useWords();
  return (
    <div className="diff">
      {all.map((d, i) => (
        <div className="diff-one" key={i}>
          <code>{seen(d.path)}</code>
          {d.before !== undefined && (
            <p className="was">
              <span className="visually-hidden">{t("before")} </span>− {seen(value(d.before))}
            </p>
          )}
          {d.after !== undefined && (
            <p className="is">
              <span className="visually-hidden">{t("after")} </span>+ {seen(value(d.after))}
            </p>
          )}
        </div>
      ))}
    </div>
  );
}

export function DecisionMore({ d }: { d: Decision }) {
  const { t } = useWords();
  return (
    <div className="step-more">
      <p className="small">
        {d.by ? t("Decided by {hook}", { hook: d.by }) : t("Nobody was asked")} <span className="faint">({t(d.cause)})</span>
        {d.reason ? (
          <>
            {": "}
            <Shown text={d.reason} most={400} />
          </>
        ) : null}
        {d.code ? <span className="mono"> {d.code}</span> : null}
      </p>
      {d.changes && d.changes.length > 0 && <Differences all={d.changes} />}
      {d.hooks && d.hooks.length > 0 && (
        <details>
          <summary>{t("Hooks that were asked: {n}", { n: d.hooks.length })}</summary>
          <div className="step-more">
            {d.hooks.map((h, i) => (
              <div key={i}>
                <Facts
                  rows={[
                    [t("Hook"), <Shown text={h.hook} />],
                    [t("Verdict"), <><Badge word={h.verdict} />{h.shadow && <Badge word="shadow" />}</>],
                    [t("Cause"), t(h.cause)],
                    [t("Took"), span(h.tookSeconds)],
                    h.error && [t("Failure"), <Shown text={`${h.error}${h.detail ? ": " + h.detail : ""}`} most={400} />],
                    h.reason && [t("Reason"), <Shown text={h.reason} most={400} />],
                    h.instead && [t("Instead"), <Shown text={`${h.instead}: ${h.why ?? ""}`} most={400} />],
                  ]}
                />
                {h.changes && h.changes.length > 0 && <Differences all={h.changes} />}
              </div>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}
