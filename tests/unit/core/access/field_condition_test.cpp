// SPDX-License-Identifier: Apache-2.0
#include "core/access/field_condition.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::access;

TEST_CASE("field condition: a name and a value, in which '*' is any run of characters") {
  struct Case {
    const char *condition, *field;
    bool fits;
  };
  for (const Case& one : {
           Case{"role=admin", "role=admin", true},
           Case{"role=admin", "role=admin2", false},
           Case{"role=admin", "user.role=admin", false},
           Case{"*role=admin", "user.role=admin", true},
           Case{"role=*", "role=", true},
           Case{"role=*", "role", false},
           Case{"role=*", "roles=a", false},
           Case{"items[].sku=X*", "items[].sku=X1", true},
           Case{"items[].sku=X*", "items[0].sku=X1", false},
           Case{"*", "anything=at all", true},
           Case{"*", "absent", true},
           Case{"absent", "absent", true},
           Case{"absent", "absent=1", false},
           Case{"absent", "a=absent", false},
           Case{"a=b=c", "a=b=c", true},
           Case{"role=admin", "Role=admin", false},
           Case{"note=*\n*", "note=a\nb", true},
       }) {
    INFO(one.condition << " for " << one.field);
    CHECK(FieldCondition(one.condition).fit(one.field) ==
          (one.fits ? Pattern::Fit::yes : Pattern::Fit::no));
  }
}

TEST_CASE("field condition: a number is compared, and what is none is not known to be small") {
  struct Case {
    const char *condition, *field;
    Pattern::Fit fit;
  };
  constexpr auto kYes = Pattern::Fit::yes, kNo = Pattern::Fit::no, kUnknown = Pattern::Fit::unknown;
  for (const Case& one : {
           Case{"amount > 1000", "amount=1001", kYes},
           Case{"amount > 1000", "amount=1000", kNo},
           Case{"amount >= 1000", "amount=1000", kYes},
           Case{"amount < 5", "amount=4", kYes},
           Case{"amount < 5", "amount=5", kNo},
           Case{"amount <= 5", "amount=5", kYes},
           Case{"amount > 1000", "amount=0001001", kYes},
           Case{"amount > 1000", "amount=99999999999999999999999", kYes},
           Case{"amount < 1000", "amount=99999999999999999999999", kNo},
           Case{"amount > 1000", "price=1001", kNo},
           Case{"amount > 1000", "amount", kNo},
           Case{"amount > 1000", "absent", kNo},
           Case{"*amount > 1000", "order.amount=5000", kYes},
           Case{"items[].n > 1", "items[].n=2", kYes},
           Case{"amount > 1000", "amount=", kUnknown},
           Case{"amount > 1000", "amount=-5", kUnknown},
           Case{"amount > 1000", "amount=+5", kUnknown},
           Case{"amount > 1000", "amount=1e9", kUnknown},
           Case{"amount > 1000", "amount=1.5", kUnknown},
           Case{"amount > 1000", "amount=0x10", kUnknown},
           Case{"amount > 1000", "amount= 5", kUnknown},
           Case{"amount > 1000", "amount=5 ", kUnknown},
           Case{"amount > 1000", "amount=null", kUnknown},
           Case{"amount > 1000", "amount=absent", kUnknown},
           Case{"amount > 1000", "amount=\xd9\xa5", kUnknown},  // a digit of another script
       }) {
    INFO(one.condition << " for " << one.field);
    CHECK(FieldCondition(one.condition).fit(one.field) == one.fit);
  }
}

TEST_CASE("field condition: a sign in a value compares nothing") {
  CHECK(FieldCondition("note=a > 5").fit("note=a > 5") == Pattern::Fit::yes);
  CHECK(FieldCondition("note=a > 5").fit("note=6") == Pattern::Fit::no);
  CHECK(FieldCondition("a>5").fit("a>5") == Pattern::Fit::yes);
}

TEST_CASE("field condition: what could never match is a mistake of the policy") {
  for (const char* good : {"role=admin", "role=*", "amount > 1000", "a.b[].c <= 5", "*", "absent",
                           "=", "note=a > b"}) {
    INFO(good);
    CHECK(check_field_condition(good));
  }
  for (const char* bad :
       {"role", "", "amount>1000", "amount > many", "amount > ", "amount > -5", "amount >  1.5"}) {
    INFO(bad);
    const auto checked = check_field_condition(bad);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().code == ErrorCode::config);
  }
}
