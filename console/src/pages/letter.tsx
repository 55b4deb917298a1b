import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { enc, get, plainType, post, type CloudEvent, type Letter } from "../api";
import { useWords } from "../i18n";
import { ExchangeMore } from "../parts/steps";
import { Body, layOut, seen, Shown } from "../parts/text";
import { Act, Badge, Card, Check, Dialog, ErrorNote, Facts, Field, Loading, Note, Page, useDo } from "../parts/ui";

/** One dead letter: what the endpoint said, and how it is sent again. */
export function LetterPage({ id = "" }: { id?: string }) {
  const { t, moment } = useWords();
  const client = useQueryClient();
  const [, go] = useLocation();
  const found = useQuery({ queryKey: ["letter", id], queryFn: ({ signal }) => get<Letter>(`/deadletters/${enc(id)}`, {}, signal), retry: false });
  const l = found.data;
  const { busy, error, run } = useDo();
  const [editing, setEditing] = useState(false);
  return (
    <Page
      title={t("Dead letter {id}", { id })}
      back={{ href: l ? "/deadletters?" + new URLSearchParams({ endpoint: l.endpoint, reason: l.reason }).toString() : "/deadletters", text: t("Dead letters") }}
      actions={
        l && (
          <>
            <Act icon="again" kind="primary" busy={busy} onClick={() => run(() => post("/deadletters/requeue", { endpoint: l.endpoint, ids: [l.id] }), () => {
              void client.invalidateQueries();
              go("/deadletters?" + new URLSearchParams({ endpoint: l.endpoint, reason: l.reason }).toString());
            }, t("The requeue began"))}>
              {t("Requeue")}
            </Act>
            <Act icon="edit" onClick={() => setEditing(true)}>{t("Edit and resend")}</Act>
          </>
        )
      }
    >
      <ErrorNote error={found.error ?? error} />
      {found.isPending && <Loading />}
      {l && (
        <>
          <Note kind="bad">
            <Badge word={l.reason} tone="bad" /> <Shown text={l.detail} most={600} />
          </Note>
          <Card>
            <Facts
              rows={[
                [t("Endpoint"), <Link href={"/endpoints/" + l.endpoint}><Shown text={l.endpoint} /></Link>],
                [t("Type"), <Shown text={plainType(l.event?.type ?? "")} />],
                [t("Event"), l.event ? <Link href={`/events/${enc(l.event.id)}`}><Shown text={l.event.id} mono /></Link> : "–"],
                [t("Conversation"), <Shown text={l.event?.subject} mono />],
                [t("Attempts"), String(l.attempts)],
                [t("First tried"), moment(l.firstAt)],
                [t("Set aside"), moment(l.at)],
                l.repeat && [t("Repeat"), t(l.repeat)],
              ]}
            />
          </Card>
          {l.exchange && <Card title={t("The last attempt")}><ExchangeMore x={l.exchange} /></Card>}
          <div className="columns">
            {l.raw && <Card title={t("As it came")}><Body text={l.raw.body} name={"deadletter-" + id} label={l.raw.dialect} /></Card>}
            {l.event && <Card title={t("As imhook reads it")}><Body text={JSON.stringify(l.event)} name={"event-" + l.event.id} label="JSON" /></Card>}
          </div>
          {l.raw && <Resend l={l} open={editing} close={() => setEditing(false)} />}
        </>
      )}
    </Page>
  );
}

interface Resent {
  event: CloudEvent;
  link: string;
  removed: boolean;
}

function Resend({ l, open, close }: { l: Letter; open: boolean; close: () => void }) {
  const { t } = useWords();
  const client = useQueryClient();
  const [, go] = useLocation();
  const [body, setBody] = useState(() => layOut(l.raw!.body)?.map((p) => p.text).join("") ?? l.raw!.body);
  const [keep, setKeep] = useState(false);
  const [preview, setPreview] = useState<Resent>();
  const looking = useDo();
  const sending = useDo();
  return (
    <Dialog wide open={open} close={close} title={t("Edit and resend")}>
      <form className="fields" onSubmit={(e) => {
        e.preventDefault();
        looking.run(() => post<Resent>(`/deadletters/${enc(l.id)}/resend`, { body, keep, dryRun: true }), setPreview);
      }}>
        <p>{t("A new event is made of it, with an id of its own and a link to this one. It goes wherever the rules say.")}</p>
        <Field label={t("What came over the wire ({dialect})", { dialect: l.raw!.dialect })}>
          {(id) => <textarea id={id} rows={14} value={body} spellCheck={false} onChange={(e) => (setBody(e.target.value), setPreview(undefined))} />}
        </Field>
        <Check label={t("Leave the dead letter where it is")} value={keep} set={setKeep} />
        <ErrorNote error={looking.error ?? sending.error} />
        {preview && (
          <>
            <Note kind="good">{t("It would be {type}", { type: plainType(preview.event.type) })} <span className="faint">{seen(preview.event.subject ?? "")}</span></Note>
            <Body text={JSON.stringify(preview.event)} label={t("As imhook reads it")} />
          </>
        )}
        <div className="form-actions">
          <Act type="submit" busy={looking.busy}>{t("Look first")}</Act>
          <Act kind="primary" icon="send" busy={sending.busy} disabled={!preview} onClick={() => sending.run(() => post<Resent>(`/deadletters/${enc(l.id)}/resend`, { body, keep }), (r) => {
            void client.invalidateQueries();
            go(`/events/${enc(r.event.id)}`);
          }, t("It was resent"))}>
            {t("Resend")}
          </Act>
        </div>
      </form>
    </Dialog>
  );
}
