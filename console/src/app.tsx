import * as Menu from "@radix-ui/react-dropdown-menu";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Component, lazy, Suspense, useEffect, useRef, useState, type ComponentType, type ReactNode } from "react";
import { Link, Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { get, onUnauthorized, post, Refused, type Me } from "./api";
import { useWords } from "./i18n";
import { Icon } from "./parts/icon";
import { ErrorNote, errorText, Loading, MeContext, Note, Page } from "./parts/ui";
import { Shown } from "./parts/text";
import { Login } from "./pages/login";
import { OverviewPage } from "./pages/overview";
import { useTheme } from "./theme";

// A page is loaded when somebody goes there.
function page<T extends Record<string, unknown>>(from: () => Promise<T>, name: keyof T): ComponentType<Record<string, string | undefined>> {
  return lazy(() => from().then((m) => ({ default: m[name] as ComponentType<Record<string, string | undefined>> })));
}
const Send = page(() => import("./pages/send"), "SendPage");
const Search = page(() => import("./pages/search"), "SearchPage");
const EventOne = page(() => import("./pages/event"), "EventPage");
const Tail = page(() => import("./pages/tail"), "TailPage");
const Endpoints = page(() => import("./pages/endpoints"), "EndpointsPage");
const EndpointOne = page(() => import("./pages/endpoint"), "EndpointPage");
const Hooks = page(() => import("./pages/hooks"), "HooksPage");
const HookOne = page(() => import("./pages/hooks"), "HookPage");
const Sources = page(() => import("./pages/sources"), "SourcesPage");
const SourceOne = page(() => import("./pages/sources"), "SourcePage");
const Edit = page(() => import("./pages/edit"), "EditPage");
const Letters = page(() => import("./pages/letters"), "LettersPage");
const LetterOne = page(() => import("./pages/letter"), "LetterPage");
const ChartsOne = page(() => import("./pages/charts"), "ChartsPage");
const Access = page(() => import("./pages/access"), "AccessPage");

const places = [
  { href: "/", text: "Overview", icon: "overview" },
  { href: "/send", text: "Send a test", icon: "send" },
  { href: "/search", text: "Search", icon: "search" },
  { href: "/tail", text: "Live tail", icon: "tail" },
  { href: "/sources", text: "Sources", icon: "sources" },
  { href: "/hooks", text: "Hooks", icon: "hooks" },
  { href: "/endpoints", text: "Endpoints", icon: "endpoints" },
  { href: "/deadletters", text: "Dead letters", icon: "letters" },
  { href: "/charts", text: "Charts", icon: "charts" },
  { href: "/access", text: "Access", icon: "access" },
];

export function App() {
  const client = useQueryClient();
  const { t } = useWords();
  const me = useQuery({ queryKey: ["me"], queryFn: ({ signal }) => get<Me>("/me", {}, signal), staleTime: 60_000, retry: (n, e) => n < 2 && e instanceof Refused && e.status >= 500 });
  const [out, setOut] = useState(false);
  const dark = useTheme();
  useEffect(() => {
    const f = () => setOut(true);
    onUnauthorized.add(f);
    return () => void onUnauthorized.delete(f);
  }, []);
  const enter = () => {
    setOut(false);
    client.clear();
    void client.refetchQueries({ queryKey: ["me"] });
    void me.refetch();
  };
  const no = me.error instanceof Refused ? me.error : undefined;
  if (me.isPending) return <Loading />;
  if (out || no?.status === 401 || no?.status === 403) return <Login enter={enter} dark={dark} said={no?.status === 403 ? no.message : undefined} expired={out && me.data !== undefined} />;
  if (!me.data && no?.status !== 404)
    return (
      <main className="alone">
        <ErrorNote error={me.error} retry={() => void me.refetch()} />
      </main>
    );
  const who: Me = me.data ?? { name: t("this machine"), role: "admin", by: "machine", history: "off" };
  return (
    <MeContext value={who}>
      <Shell me={who} dark={dark} leave={() => void post("/logout").catch(() => {}).then(() => { client.clear(); setOut(true); })} />
    </MeContext>
  );
}

function Shell({ me, dark: [dark, toggle], leave }: { me: Me; dark: [boolean, () => void]; leave: () => void }) {
  const { t, language, choose } = useWords();
  const [location] = useLocation();
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    setOpen(false);
    main.current?.scrollTo(0, 0);
  }, [location]);
  const active = (href: string) => (href === "/" ? location === "/" : location === href || location.startsWith(href + "/") || (href === "/search" && location.startsWith("/events")));
  return (
    <div className="shell">
      <a className="skip" href="#main">
        {t("Go to the content")}
      </a>
      <header className="top">
        <button className="icon-button menu-button" aria-label={t("Menu")} aria-expanded={open} aria-controls="places" onClick={() => setOpen(!open)}>
          <Icon name="menu" size={20} />
        </button>
        <Link href="/" className="brand" aria-label="imhook">
          <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" className="brand-box" />
            <path d="M9 8v9.5a6.500 6.500 0 0 0 13 0V14m0 0-3.600 3.600M22 14l3.600 3.600" fill="none" stroke="#fff" strokeWidth="2.8" strokeLinecap="round" strokeLinejoin="round" />
          </svg>
          <span>imhook</span>
        </Link>
        {me.sandbox && (
          <span className="badge plain hide-small" title={t("It runs without a configuration file: what is defined here is gone with its data.")}>
            {t("sandbox")}
          </span>
        )}
        <SearchBox />
        <div className="top-right">
          <button className="icon-button" onClick={() => choose(language === "en" ? "zh" : "en")} aria-label={language === "en" ? "中文" : "English"} title={language === "en" ? "中文" : "English"}>
            <Icon name="language" size={18} />
          </button>
          <button className="icon-button" onClick={toggle} aria-label={dark ? t("Light") : t("Dark")} title={dark ? t("Light") : t("Dark")}>
            <Icon name={dark ? "sun" : "moon"} size={18} />
          </button>
          <Menu.Root modal={false}>
            <Menu.Trigger className="icon-button" aria-label={t("Who you are")}>
              <Icon name="user" size={18} />
            </Menu.Trigger>
            <Menu.Portal>
              <Menu.Content className="menu" align="end" sideOffset={6}>
                <div className="menu-about">
                  <strong>
                    <Shown text={me.name} />
                  </strong>
                  <span className="faint">{t(me.role)}</span>
                  {me.version && <span className="faint small">imhook {me.version}</span>}
                </div>
                <Menu.Separator className="menu-line" />
                <Menu.Item asChild>
                  <a className="menu-item" href="/api/openapi.json" target="_blank" rel="noreferrer">
                    {t("API document")}
                  </a>
                </Menu.Item>
                {me.by === "session" && (
                  <Menu.Item className="menu-item" onSelect={leave}>
                    {t("Log out")}
                  </Menu.Item>
                )}
              </Menu.Content>
            </Menu.Portal>
          </Menu.Root>
        </div>
      </header>
      <nav id="places" className={open ? "places open" : "places"} aria-label={t("Pages")}>
        {places.map((p) => (
          <Link key={p.href} href={p.href} className={active(p.href) ? "place active" : "place"} aria-current={active(p.href) ? "page" : undefined}>
            <Icon name={p.icon} size={18} />
            <span>{t(p.text)}</span>
          </Link>
        ))}
      </nav>
      <main id="main" ref={main} tabIndex={-1}>
        <Guarded key={location}>
          <Suspense fallback={<Loading />}>
            <Switch>
              <Route path="/" component={OverviewPage} />
              <Route path="/send">{() => <Send />}</Route>
              <Route path="/search">{() => <Search />}</Route>
              <Route path="/events">
                <Redirect to="/search" />
              </Route>
              <Route path="/events/:id">{(p) => <EventOne id={p.id} key={p.id} />}</Route>
              <Route path="/tail">{() => <Tail />}</Route>
              <Route path="/endpoints">{() => <Endpoints />}</Route>
              <Route path="/:section/new">{(p) => <Edit section={p.section} />}</Route>
              <Route path="/:section/:app/:name/edit">{(p) => <Edit section={p.section} app={p.app} name={p.name} />}</Route>
              <Route path="/endpoints/:app/:name">{(p) => <EndpointOne app={p.app} name={p.name} />}</Route>
              <Route path="/hooks">{() => <Hooks />}</Route>
              <Route path="/hooks/:app/:name">{(p) => <HookOne app={p.app} name={p.name} />}</Route>
              <Route path="/sources">{() => <Sources />}</Route>
              <Route path="/sources/:app/:name">{(p) => <SourceOne app={p.app} name={p.name} />}</Route>
              <Route path="/deadletters">{() => <Letters />}</Route>
              <Route path="/deadletters/:id">{(p) => <LetterOne id={p.id} />}</Route>
              <Route path="/charts">{() => <ChartsOne />}</Route>
              <Route path="/access">{() => <Access />}</Route>
              <Route path="/access/:tab">{(p) => <Access tab={p.tab} />}</Route>
              <Route path="/login">
                <Redirect to="/" />
              </Route>
              <Route>
                <Page title={t("There is no such page")}>
                  <Note>
                    <Link href="/">{t("Go to the overview")}</Link>
                  </Note>
                </Page>
              </Route>
            </Switch>
          </Suspense>
        </Guarded>
      </main>
    </div>
  );
}

/** The search box on every page: / goes to it, Esc leaves it, Enter searches. */
function SearchBox() {
  const { t } = useWords();
  const [location, go] = useLocation();
  const params = new URLSearchParams(useSearch());
  const asked = location === "/search" ? (params.get("q") ?? "") : "";
  const [text, setText] = useState(asked);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => setText(asked), [asked]);
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      const at = e.target as HTMLElement;
      if (e.key === "/" && !e.ctrlKey && !e.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && !at.isContentEditable) {
        e.preventDefault();
        box.current?.focus();
        box.current?.select();
      }
    };
    window.addEventListener("keydown", key);
    return () => window.removeEventListener("keydown", key);
  }, []);
  return (
    <form
      role="search"
      className="search-box"
      onSubmit={(e) => {
        e.preventDefault();
        box.current?.blur();
        go("/search" + (text.trim() ? "?q=" + encodeURIComponent(text.trim()) : ""));
      }}
    >
      <Icon name="search" />
      <input
        ref={box}
        type="search"
        aria-label={t("Search events")}
        placeholder={t("Message, user, group, event…")}
        value={text}
        spellCheck={false}
        autoComplete="off"
        onChange={(e) => setText(e.target.value)}
        onKeyDown={(e) => e.key === "Escape" && (e.preventDefault(), box.current?.blur())}
      />
      <kbd className="hide-small">/</kbd>
    </form>
  );
}

/** A page that breaks says so, and leaves the others. */
class Guarded extends Component<{ children: ReactNode }, { error?: unknown }> {
  state: { error?: unknown } = {};
  static getDerivedStateFromError(error: unknown) {
    return { error };
  }
  render() {
    return this.state.error ? <Broken error={this.state.error} /> : this.props.children;
  }
}

function Broken({ error }: { error: unknown }) {
  const { t } = useWords();
  return (
    <Page title={t("This page broke")}>
      <Note kind="bad">
        {errorText(error)}{" "}
        <button className="link" onClick={() => window.location.reload()}>
          {t("Load it again")}
        </button>
      </Note>
    </Page>
  );
}
