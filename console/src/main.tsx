import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, useCallback, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { Refused } from "./api";
import { App } from "./app";
import { keep, load, preferred, WordsContext, type Language, type Words } from "./i18n";
import { Toasts } from "./parts/ui";
import "./style.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 2000,
      retry: (n, e) => n < 2 && (!(e instanceof Refused) || e.status === 0 || e.status >= 500) && !(e instanceof Refused && e.status === 503),
    },
  },
});

function Root({ first }: { first: Words }) {
  const [words, setWords] = useState(first);
  const choose = useCallback((l: Language) => {
    keep(l);
    void load(l).then(setWords);
  }, []);
  useEffect(() => {
    document.documentElement.lang = words.language === "zh" ? "zh-CN" : "en";
  }, [words]);
  return (
    <WordsContext value={{ ...words, choose }}>
      <QueryClientProvider client={client}>
        <Toasts>
          <App />
        </Toasts>
      </QueryClientProvider>
    </WordsContext>
  );
}

void load(preferred()).then((words) =>
  createRoot(document.getElementById("root")!).render(
    <StrictMode>
      <Root first={words} />
    </StrictMode>,
  ),
);
