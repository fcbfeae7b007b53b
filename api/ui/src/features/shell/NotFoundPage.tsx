import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Page } from "../../ui/Page";

/** What an address shows that leads nowhere. */
export function NotFoundPage() {
  const { t } = useTranslation();
  return (
    <Page title={t("error.notFound")}>
      <p>
        <Link to="/">{t("error.home")}</Link>
      </p>
    </Page>
  );
}
