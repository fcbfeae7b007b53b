import { useTranslation } from "react-i18next";
import { Failure } from "../../parts/Failure";
import { Page } from "../../ui/Page";

/** What is shown in place of a page that cannot be drawn, or whose files cannot be had. */
export function BrokenPage({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <Page title={t("error.title")}>
      <Failure error={error instanceof Error ? error : new Error(String(error))} again={() => location.reload()} />
    </Page>
  );
}
