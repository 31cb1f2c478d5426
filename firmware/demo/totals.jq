# Head office's totals by campaign beside the truth of the demo (one line a campaign and outcome, tab-separated).
($truth[0].campaigns | map({key: .campaign, value: .}) | from_entries) as $t
| ["campaign", "outcome", "estimate", "+-", "truth"],
  (.campaigns[] | . as $c | ("shown", "taken") as $o
   | [$c.campaign, $o, $c[$o].estimate, $c[$o].half_width, ($t[$c.campaign]["counted_" + $o] // 0)])
| map(tostring) | join("\t")
