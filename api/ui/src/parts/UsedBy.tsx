import { Link } from "@tanstack/react-router";

/** The models that use something, each leading to its page; a dash where none does. */
export function UsedBy({ uids }: { uids: readonly string[] }) {
  if (uids.length === 0) return "–";
  return uids.map((uid) => (
    <div key={uid}>
      <Link to="/models/$uid" params={{ uid }}>
        {uid}
      </Link>
    </div>
  ));
}
