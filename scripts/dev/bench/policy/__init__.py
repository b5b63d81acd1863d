"""`relearn bench policy`: the whole loop without servers. Every change of the policy is judged by it.

    streams ─▶ loop ⇄ memory ─▶ outcome ─▶ bars, tables (command)
                ▲
            reviewers

What decides (scoring, training, gate, shadow, rollback, policy, drift, reviews) is the product's own code, called here.
"""
