"""infra/routing.json: who is handed which public event, in the words of EventBridge and SNS.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
"""

from __future__ import annotations

from typing import Any

from bitacora.contracts.generate.components import as_text
from bitacora.contracts.generate.language import Language, PublicEvent


def routing(language: Language) -> str:
    """Per event its rule's pattern and targets; per subscriber of the topic its filter policy.

    A filter policy looks at the message's body (FilterPolicyScope MessageBody): EventBridge sets
    no message attributes.
    """
    return as_text(
        {
            "rules": {event.name: _rule(language, event) for event in language.public_events},
            "filters": {
                consumer: {"type": [event.name for event in language.consumed_by(consumer)]}
                for consumer in language.subscribers()
            },
        }
    )


def _rule(language: Language, event: PublicEvent) -> dict[str, Any]:
    settings = language.settings
    targets = [c if c in settings.queues_of_bus else settings.topic for c in event.consumers]
    return {
        "pattern": {"source": [event.source], "detail-type": [event.name]},
        "targets": sorted(set(targets)),
    }
