Feature: Changing what events look like
  Events are kept for ever, and services are deployed one after the other. What was said once
  is understood for ever, and what is said next is understood by those who are not there yet.

  @promise-23 @needs-the-stores
  Scenario: Every version ever stored still loads
    Given orders whose events were stored in every version that was ever released
    Then each of them is shown as what it said when it was stored
    And each of them can be paid or cancelled from there on, where an order of today could

  @promise-24
  Scenario: Stepwise upcasting equals direct
    Given 300 orders of all sorts as the first version of their event stored them
    When each is carried up one version after the other
    Then each is what its newest version would have said, reckoned in one go
    And each can be written down in every version that it came through, and read again the same

  @promise-25 @needs-an-environment-to-spoil
  Scenario: Old and new consumers run together
    Given a newer deployment of the command side and of the status alone
    And one that cancels orders in a version that today's consumers can read
    When a customer cancels an order
    Then the old consumers and the new ones show it as cancelled
    Given one that cancels orders in a version that today's consumers cannot read
    When a customer cancels an order
    Then the new consumers show it as cancelled
    But the old ones say that it is parked, and do not delay another order
    When the newer deployment has reached every consumer
    Then the next reconcile shows the order as cancelled everywhere
    And every public event of the cancelled orders is in the ledger once

  @promise-26
  Scenario Outline: A breaking schema change is refused with a counterexample
    Given the contracts with a next version of <event> that <change>
    When the contracts are checked
    Then the change is <verdict>
    And a refusal shows an event that one side writes and the other cannot read

    Examples:
      | event          | change                                  | verdict  |
      | OrderCancelled | requires a note                         | refused  |
      | OrderCancelled | takes a reason away                     | refused  |
      | OrderPlaced    | allows 50 pieces of a line              | refused  |
      | OrderPlaced    | tells the total as text                 | refused  |
      | OrderCancelled | may hold a note                         | accepted |
      | OrderCancelled | requires a note that an upcaster fills  | accepted |
