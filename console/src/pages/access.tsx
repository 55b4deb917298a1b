import * as Tabs from "@radix-ui/react-tabs";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useSearch } from "wouter";
import { ask, enc, get, post, type AuditEntry, type Role, type Token } from "../api";
import { useWords } from "../i18n";
import { LineDifference } from "../parts/definition";
import { Table } from "../parts/table";
import { Copy, seen, Shown } from "../parts/text";
import { Act, Ago, Badge, Card, Choice, Dialog, Empty, ErrorNote, Input, Loading, may, Note, Page, useDo, useMe } from "../parts/ui";

/** Who may do what, and who did what. */
export function AccessPage({ tab }: { tab?: string }) {
  const { t } = useWords();
  const me = useMe();
  const [, go] = useLocation();
  const admin = may(me, "admin");
  const now = tab === "audit" || (!tab && !admin) ? "audit" : "tokens";
  return (
    <Page wide title={t("Access")}>
      <Tabs.Root value={now} onValueChange={(v) => go("/access/" + v, { replace: true })}>
        <Tabs.List className="tabs" aria-label={t("Access")}>
          <Tabs.Trigger className="tab" value="tokens">{t("Tokens")}</Tabs.Trigger>
          <Tabs.Trigger className="tab" value="audit">{t("Who did what")}</Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content className="tab-body" value="tokens">{admin ? <Tokens /> : <Note kind="warn">{t("This needs the role {role}; you are {mine}.", { role: t("admin"), mine: t(me.role) })}</Note>}</Tabs.Content>
        <Tabs.Content className="tab-body" value="audit"><Audit /></Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}

function Tokens() {
  const { t, moment } = useWords();
  const client = useQueryClient();
  const all = useQuery({ queryKey: ["tokens"], queryFn: ({ signal }) => get<{ tokens: Token[] }>("/tokens", {}, signal), retry: false });
  const [open, setOpen] = useState(false);
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [expires, setExpires] = useState("90d");
  const [made, setMade] = useState<Token>();
  const [gone, setGone] = useState<Token>();
  const making = useDo();
  const revoking = useDo();
  return (
    <>
      <div className="actions">
        <Act least="admin" kind="primary" icon="plus" onClick={() => { setOpen(true); setMade(undefined); setName(""); making.clear(); }}>{t("New token")}</Act>
      </div>
      <ErrorNote error={all.error} />
      {all.isPending && <Loading />}
      {all.data?.tokens.length === 0 && (
        <Card><Empty icon="key" title={t("No tokens yet")}>{t("Without one, only this machine and admin.token of the configuration may use the console and the API.")}</Empty></Card>
      )}
      {!!all.data?.tokens.length && (
        <Table
          label={t("Tokens")}
          rows={all.data.tokens}
          keyOf={(x) => x.id}
          columns={[
            { head: t("Name"), by: (x) => x.name, cell: (x) => <Shown text={x.name} /> },
            { head: t("Role"), by: (x) => x.role, cell: (x) => <Badge word={x.role} tone="plain" /> },
            { head: t("Id"), className: "hide-narrow", cell: (x) => <Shown text={x.id} mono /> },
            { head: t("Made"), cell: (x) => <><Ago at={x.createdAt} /> {x.createdBy && <span className="faint small"><Shown text={x.createdBy} /></span>}</> },
            { head: t("Ends"), cell: (x) => (x.expired ? <Badge word="expired" /> : x.expires && !x.expires.startsWith("0001") ? moment(x.expires) : t("never")) },
            { head: t("Last used"), cell: (x) => (x.lastUsed && !x.lastUsed.startsWith("0001") ? <Ago at={x.lastUsed} /> : <span className="faint">{t("not since the start")}</span>) },
            { head: "", className: "right", cell: (x) => <Act least="admin" kind="danger" onClick={() => setGone(x)}>{t("Revoke")}</Act> },
          ]}
        />
      )}
      <Dialog open={open} close={() => setOpen(false)} title={made ? t("The token of {name}", { name: made.name }) : t("New token")}>
        {made ? (
          <>
            <Note kind="good">{t("Copy it now: it is not shown again.")}</Note>
            <p className="secret-once">{made.token}</p>
            <Copy label={t("Copy")} text={made.token ?? ""} />
          </>
        ) : (
          <form className="fields" onSubmit={(e) => {
            e.preventDefault();
            making.run(() => post<Token>("/tokens", { name, role, expires: expires || undefined }), (x) => { setMade(x); void client.invalidateQueries({ queryKey: ["tokens"] }); });
          }}>
            <Input label={t("Name")} value={name} set={setName} autoFocus hint={t("Whose it is: it stands in the audit log.")} />
            <Choice label={t("Role")} value={role} set={(v) => setRole(v as Role)} options={[
              { value: "viewer", text: t("viewer: looks") },
              { value: "operator", text: t("operator: pauses, resumes, delivers again, sends tests") },
              { value: "admin", text: t("admin: changes the configuration and who may do what") },
            ]} />
            <Input label={t("Ends after")} value={expires} set={setExpires} hint={t("12h, 90d; empty is never.")} />
            <ErrorNote error={making.error} />
            <div className="form-actions"><Act least="admin" type="submit" kind="primary" busy={making.busy} disabled={!name.trim()}>{t("Create")}</Act></div>
          </form>
        )}
      </Dialog>
      <Dialog open={Boolean(gone)} close={() => setGone(undefined)} title={t("Revoke the token of {name}?", { name: gone?.name ?? "" })}>
        <p>{t("It is refused from now on, and its sessions end.")}</p>
        <ErrorNote error={revoking.error} />
        <div className="form-actions">
          <button className="button" onClick={() => setGone(undefined)}>{t("Leave it")}</button>
          <Act least="admin" kind="danger" busy={revoking.busy} onClick={() => revoking.run(() => ask("DELETE", "/tokens/" + enc(gone!.id)), () => { setGone(undefined); void client.invalidateQueries({ queryKey: ["tokens"] }); }, t("It was revoked"))}>{t("Revoke")}</Act>
        </div>
      </Dialog>
    </>
  );
}

function Audit() {
  const { t, time, moment } = useWords();
  const [, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const [who, setWho] = useState(params.get("who") ?? "");
  const [target, setTarget] = useState(params.get("target") ?? "");
  const key = params.toString();
  const found = useInfiniteQuery({
    queryKey: ["audit", key],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => get<{ entries: AuditEntry[]; next?: string }>("/audit", { who: params.get("who") ?? "", target: params.get("target") ?? "", limit: 50, before: pageParam }, signal),
    getNextPageParam: (last: { next?: string }) => last.next || undefined,
    retry: false,
  });
  const all = found.data?.pages.flatMap((p) => p.entries) ?? [];
  return (
    <>
      <form className="card filters" onSubmit={(e) => {
        e.preventDefault();
        const p = new URLSearchParams();
        if (who) p.set("who", who);
        if (target) p.set("target", target);
        go("/access/audit" + (p.size ? "?" + p.toString() : ""), { replace: true });
      }}>
        <Input label={t("Who")} value={who} set={setWho} />
        <Input label={t("About")} value={target} set={setTarget} placeholder="shop/backend" />
        <button className="button">{t("Filter")}</button>
      </form>
      <ErrorNote error={found.error} />
      {found.isPending && <Loading />}
      {found.data && all.length === 0 && <Card><Empty icon="access" title={t("Nobody changed anything yet")} /></Card>}
      {all.length > 0 && (
        <Card>
          <ul className="timeline">
            {all.map((e, i) => (
              <li className={"step " + (e.refused ? "bad" : "")} key={i}>
                <div className="step-head">
                  <strong><Shown text={e.who} /></strong>
                  <code>{seen(e.what)}</code>
                  <Shown text={e.target} mono most={120} />
                  {e.refused && <Badge word="refused" />}
                  <span className="faint small">{e.role ? t(e.role) : ""} {e.from ? seen(e.from) : ""}</span>
                  <time className="faint small" dateTime={e.at} title={moment(e.at)}>{time(e.at)}</time>
                </div>
                {e.refused && <p className="small bad-text"><Shown text={e.refused} most={400} /></p>}
                {e.detail && <p className="small mono prewrap"><Shown text={e.detail} most={400} /></p>}
                {(e.before || e.after) && (
                  <details>
                    <summary>{t("What was changed")}</summary>
                    <LineDifference before={e.before ?? ""} after={e.after ?? ""} />
                  </details>
                )}
              </li>
            ))}
          </ul>
          {found.hasNextPage && <div className="table-more"><button className="button" onClick={() => void found.fetchNextPage()}>{t("Older ones")}</button></div>}
        </Card>
      )}
    </>
  );
}
