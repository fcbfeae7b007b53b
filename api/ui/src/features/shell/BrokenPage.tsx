import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { pageBase } from "../../api/address";
import { errorOf, unreachable } from "../../api/errors";
import { LIVE_MS } from "../../api/queries";
import { MissingPage, takeTurn } from "../../lib/missing";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Page } from "../../ui/Page";

/** Throws an ApiError where the server would not give this interface. */
async function interfaceAnswers(): Promise<boolean> {
  const response = await fetch(pageBase, { headers: { Accept: "text/html" }, cache: "no-store" }).catch((cause) => {
    throw unreachable(cause);
  });
  if (!response.ok) throw errorOf(response, undefined);
  return true;
}

/**
 * What is shown in place of a page that cannot be drawn, or whose files cannot be had. It is loaded anew only when the
 * server answers: before, the browser's own error page would take its place, and nothing of ours could try again.
 */
export function BrokenPage({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const missing = error instanceof MissingPage ? error.page : null;
  const [isAtRest, setAtRest] = useState(missing === null);
  const [pressed, setPressed] = useState(0);
  const server = useQuery({
    queryKey: ["interface", pressed],
    queryFn: interfaceAnswers,
    enabled: !isAtRest,
    retry: true,
    retryDelay: LIVE_MS,
    networkMode: "always", // this machine's server answers without a network, too
    gcTime: 0,
  });
  useEffect(() => {
    if (isAtRest || !server.data) return;
    if (pressed > 0 || takeTurn(missing ?? "")) location.reload();
    else setAtRest(true);
  }, [server.data, isAtRest, pressed, missing]);
  const again = () => {
    setPressed(pressed + 1);
    setAtRest(false);
  };
  const shown = missing !== null ? new Error(t("error.missing")) : error;
  return (
    <Page title={t("error.title")}>
      {isAtRest ? (
        <Failure error={shown instanceof Error ? shown : new Error(String(shown))} again={again} />
      ) : server.failureReason ? (
        <Failure error={server.failureReason} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}
