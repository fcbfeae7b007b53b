import { useTranslation } from "react-i18next";
import { Page } from "../../ui/Page";

/** What runs here, and what needs attention. */
export function OverviewPage() {
  const { t } = useTranslation();
  return (
    <Page title={t("nav.overview")}>
      <p>…</p>
    </Page>
  );
}
