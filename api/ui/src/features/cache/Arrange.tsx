import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Select } from "../../ui/Select";
import styles from "./Arrange.module.css";
import { ORDERS, type Shown, shownOf } from "./held";

/** What is searched for, and in which order it is shown; both are kept in the address. */
export function Arrange({ shown }: { shown: Shown }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const show = (change: Shown) =>
    void navigate({ to: "/cache", search: shownOf({ ...shown, ...change }), replace: true, resetScroll: false });
  return (
    <search className={styles.arrange}>
      <Field label={t("cache.search")}>
        <Input
          type="search"
          autoComplete="off"
          value={shown.q ?? ""}
          onChange={(event) => show({ q: event.target.value })}
        />
      </Field>
      <Select
        label={t("cache.order")}
        value={shown.order ?? "size"}
        options={ORDERS.map((order) => [order, t(`cache.by.${order}`)] as const)}
        onChange={(order) => show({ order })}
      />
    </search>
  );
}
