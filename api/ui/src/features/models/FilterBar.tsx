import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Select } from "../../ui/Select";
import styles from "./FilterBar.module.css";
import { type Filters, STATES, TYPES } from "./search";

/** Which models are shown. It is kept in the address, so that it can be sent to others. */
export function FilterBar({ filters }: { filters: Filters }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const show = (search: Filters) => void navigate({ to: "/models", search, replace: true });
  const any = ["", t("models.any")] as const;
  const types = TYPES.map((type) => [type, t(`type.${type}`)] as const);
  const states = STATES.map((state) => [state, t(`state.${state}`)] as const);
  return (
    <search className={styles.filters}>
      <Select
        label={t("models.type")}
        value={filters.type ?? ""}
        options={[any, ...types]}
        onChange={(type) => show(type ? { ...filters, type } : without(filters, "type"))}
      />
      <Select
        label={t("models.state")}
        value={filters.state ?? ""}
        options={[any, ...states]}
        onChange={(state) => show(state ? { ...filters, state } : without(filters, "state"))}
      />
    </search>
  );
}

function without(filters: Filters, name: keyof Filters): Filters {
  const { [name]: _, ...rest } = filters;
  return rest;
}
