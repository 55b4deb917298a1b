import { useState } from "react";
import { ask, Refused } from "../api";
import { useWords } from "../i18n";
import { Icon } from "../parts/icon";
import { Input, Note, useDo } from "../parts/ui";
import { seen } from "../parts/text";

/** Who is not known says who he is, with a token. */
export function Login({ enter, dark: [dark, toggle], said, expired }: { enter: () => void; dark: [boolean, () => void]; said?: string; expired: boolean }) {
  const { t, language, choose } = useWords();
  const [token, setToken] = useState("");
  const { busy, error, run } = useDo();
  return (
    <main className="login">
      <form
        className="card"
        onSubmit={(e) => {
          e.preventDefault();
          run(() => ask("POST", "/login", { body: { token } }), enter);
        }}
      >
        <header>
          <svg width="40" height="40" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" className="brand-box" />
            <path d="M9 8v9.5a6.500 6.500 0 0 0 13 0V14m0 0-3.600 3.600M22 14l3.600 3.600" fill="none" stroke="#fff" strokeWidth="2.8" strokeLinecap="round" strokeLinejoin="round" />
          </svg>
          <h1>imhook</h1>
          <p className="faint">{t("The callback gateway for instant messaging")}</p>
        </header>
        {expired && !error && <Note kind="warn">{t("Your session ended. Log in again.")}</Note>}
        {said && !error ? <Note kind="warn">{seen(said)}</Note> : null}
        <Input label={t("Token")} type="password" value={token} set={setToken} autoFocus hint={t("A token of “imhook token create”, or admin.token of the configuration. It is not kept in this browser.")} />
        {error ? (
          <Note kind="bad">
            <span role="alert">{error instanceof Refused && error.status === 0 ? t("The gateway cannot be reached.") : seen((error as Error).message)}</span>
          </Note>
        ) : null}
        <button className="button primary big" disabled={busy || token.trim() === ""}>
          {t("Log in")}
        </button>
        <footer>
          <button type="button" className="link" onClick={() => choose(language === "en" ? "zh" : "en")}>
            {language === "en" ? "中文" : "English"}
          </button>
          <button type="button" className="icon-button" onClick={toggle} aria-label={dark ? t("Light") : t("Dark")}>
            <Icon name={dark ? "sun" : "moon"} />
          </button>
        </footer>
      </form>
    </main>
  );
}
