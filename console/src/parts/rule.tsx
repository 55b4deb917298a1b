// Would this event match? Asked of what is kept.
import { useState } from "react";
import { Link } from "wouter";
import { enc, plainType, post, type RuleTested } from "../api";
import { useWords } from "../i18n";
import { seen, Shown } from "./text";
import { Badge, Choice, Empty, ErrorNote, Field, Input, useDo } from "./ui";

/** Tests the rule of an endpoint, or one that is being written. */
export function RuleTest({ endpoint, app, events, sources, when, edit }: { endpoint?: string; app?: string; events?: string[]; sources?: string[]; when?: string; edit?: boolean }) {
  const { t, n, time } = useWords();
  const [own, setOwn] = useState(false);
  const [patterns, setPatterns] = useState((events ?? ["**"]).join(", "));
  const [condition, setCondition] = useState(when ?? "");
  const [limit, setLimit] = useState("50");
  const [only, setOnly] = useState("all");
  const [told, setTold] = useState<RuleTested>();
  const { busy, error, run } = useDo();
  const list = (s: string) => s.split(",").map((x) => x.trim()).filter(Boolean);
  const written = edit || own;
  const ask = () =>
    run(
      () =>
        post<RuleTested>(
          "/rules/test",
          endpoint && !written
            ? { endpoint, limit: Number(limit) }
            : { app, events: own ? list(patterns) : events, sources, when: (own ? condition : when) || undefined, limit: Number(limit) },
        ),
      setTold,
    );
  const shown = told?.events.filter((e) => only === "all" || e.matched === (only === "matched")) ?? [];
  return (
    <div className="fields">
      <form
        className="fields"
        onSubmit={(e) => {
          e.preventDefault();
          ask();
        }}
      >
        {own && (
          <>
            <Input label={t("Events")} value={patterns} set={setPatterns} mono hint={t("Patterns with commas between: message.*, group.**, openim:callbackAfterSendGroupMsgCommand")} />
            <Field label={t("Condition (when)")}>
              {(id) => <textarea id={id} rows={2} value={condition} spellCheck={false} onChange={(e) => setCondition(e.target.value)} placeholder='event.message.kind == "text"' />}
            </Field>
          </>
        )}
        <div className="filters">
          <Choice label={t("Against the newest")} value={limit} set={setLimit} options={["20", "50", "200", "1000"].map((v) => ({ value: v, text: t("{n} events", { n: v }) }))} />
          <button className="button primary" disabled={busy}>
            {t("Would they match?")}
          </button>
          {endpoint && !edit && (
            <button
              type="button"
              className="button"
              aria-pressed={own}
              onClick={() => {
                if (!own && told?.rule) {
                  setPatterns((told.rule.events ?? ["**"]).join(", "));
                  setCondition(told.rule.when ?? "");
                }
                setOwn(!own);
              }}
            >
              {own ? t("Its own rule") : t("Another rule")}
            </button>
          )}
        </div>
      </form>
      <ErrorNote error={error} />
      {told && (
        <>
          <div className="filters">
            <p role="status">
              <strong>{t("{n} of {all} match", { n: n(told.matched), all: n(told.tested) })}</strong>
            </p>
            <Choice label={t("Show")} value={only} set={setOnly} options={[{ value: "all", text: t("all") }, { value: "matched", text: t("that match") }, { value: "not", text: t("that do not") }]} />
          </div>
          {told.tested === 0 && (
            <Empty title={t("No events yet")}>
              <Link href="/send">{t("Send a test callback")}</Link>
            </Empty>
          )}
          <ul className="timeline">
            {shown.slice(0, 200).map((e) => (
              <li className={"step " + (e.matched ? "good" : "")} key={e.id}>
                <div className="step-head">
                  <Badge word={e.matched ? "matches" : "does not"} tone={e.matched ? "good" : "plain"} />
                  <Link href={`/events/${enc(e.id)}`}>
                    <Shown text={plainType(e.type)} />
                  </Link>
                  <Shown text={e.lane} mono most={60} />
                  <span className="faint small">
                    {e.source} {time(e.time)}
                  </span>
                </div>
                <p className="small">
                  {e.failed && (
                    <>
                      {t("The clause {clause} is not met:", { clause: e.failed })}{" "}
                    </>
                  )}
                  <span className={e.matched ? "faint" : "bad-text"}>
                    <Shown text={e.why} most={400} />
                  </span>
                </p>
                {e.unread && <p className="small bad-text">{seen(e.unread)}</p>}
                {e.parts && e.parts.length > 0 && (
                  <details>
                    <summary>{t("Part by part")}</summary>
                    <div className="rule-part">
                      {e.parts.map((p, i) => (
                        <div key={i}>
                          <Badge word={p.value} tone={p.value === "true" ? "good" : p.value === "false" ? "bad" : "plain"} /> <code>{seen(p.text)}</code>
                          {p.where && <span className="faint small"> {seen(p.where)}</span>}
                        </div>
                      ))}
                    </div>
                  </details>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
