import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { LANGUAGES, type Language, speak } from "../../i18n";
import { chosenTheme, showTheme, type Theme } from "../../lib/theme";
import { Card } from "../../ui/Card";
import { Choice } from "../../ui/Choice";
import { Page } from "../../ui/Page";

const LANGUAGE_OPTIONS = Object.entries(LANGUAGES) as [Language, string][];

/** What a reader chooses for this browser. `access`: what the session says. */
export function SettingsPage({ access }: { access: ReactNode }) {
  const { t, i18n } = useTranslation();
  const [theme, setTheme] = useState(chosenTheme);
  const themes: [Theme, string][] = [
    ["system", t("settings.themeSystem")],
    ["light", t("settings.themeLight")],
    ["dark", t("settings.themeDark")],
  ];
  const choose = (chosen: Theme) => {
    showTheme(chosen);
    setTheme(chosen);
  };
  return (
    <Page title={t("settings.title")}>
      <Card title={t("settings.language")}>
        <Choice
          label={t("settings.language")}
          value={i18n.language as Language}
          options={LANGUAGE_OPTIONS}
          onChange={speak}
        />
      </Card>
      <Card title={t("settings.theme")}>
        <Choice label={t("settings.theme")} value={theme} options={themes} onChange={choose} />
      </Card>
      <Card title={t("settings.access")}>{access}</Card>
    </Page>
  );
}
