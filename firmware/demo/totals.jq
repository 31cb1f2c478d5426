# Head office's totals by campaign beside the truth of the demo: one line a campaign and outcome, tab-separated.
($truth[0].campaigns | map({key: .campaign, value: .}) | from_entries) as $t
| (["campaign", "outcome", "head office says", "", "", "truth", ""],
   (.rows[] | select(.segment == null) | . as $c | ("shown", "taken") as $o
    | ($t[$c.campaign]["counted_" + $o] // 0) as $true
    | [$c.campaign, $o, $c[$o], "+-", $c.plus_minus, $true,
       if ($c[$o] - $true | fabs) <= $c.plus_minus then "within" else "outside" end]))
| map(tostring) | join("\t")
