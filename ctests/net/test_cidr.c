#include "net/cidr.h"

#include "base/error.h"
#include "support/test.h"

static bool has(const char *network, const char *address) {
  rl_cidr cidr;
  rl_ip ip;
  assert_int_equal(rl_cidr_parse(rl_slice_str(network), &cidr), 0);
  assert_int_equal(rl_ip_parse(rl_slice_str(address), &ip), 0);
  return rl_cidr_has(&cidr, &ip);
}

TEST(an_address_is_in_its_network_and_no_other) {
  UNUSED;
  assert_true(has("10.0.0.0/8", "10.255.0.1"));
  assert_false(has("10.0.0.0/8", "11.0.0.1"));
  assert_true(has("192.168.16.0/20", "192.168.31.255"));
  assert_false(has("192.168.16.0/20", "192.168.32.0"));
  assert_true(has("127.0.0.1", "127.0.0.1"));
  assert_false(has("127.0.0.1", "127.0.0.2"));
  assert_true(has("0.0.0.0/0", "8.8.8.8"));
  assert_false(has("0.0.0.0/0", "2001:db8::1"));
  assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
  assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
  assert_true(has("::/0", "1.2.3.4"));
}

TEST(an_ipv4_address_is_the_same_however_it_is_written) {
  UNUSED;
  assert_true(has("10.0.0.0/8", "::ffff:10.1.2.3"));
  assert_true(has("::ffff:10.0.0.0/104", "10.1.2.3"));
}

TEST(what_is_no_network_is_refused) {
  UNUSED;
  static const char *const wrong[] = {
      "",      "10",           "10.0.0.0/33", "10.0.0.0/",   "10.0.0.0/-1", "10.0.0.1/8", "::1/129", "2001:db8::1/32",
      "[::1]", "fe80::1%eth0", "10.0.0.0/8 ", "example.com", "10.0.0.256",  "010.0.0.1/x"};
  rl_cidr cidr;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(rl_cidr_parse(rl_slice_str(wrong[i]), &cidr), RL_ESYNTAX);
  assert_int_equal(rl_cidr_parse(RL_SLICE("10.0.0.0\0/8"), &cidr), RL_ESYNTAX);
}

TEST(a_client_of_ipv6_is_its_subnet) {
  UNUSED;
  rl_ip one, two;
  rl_ip_parse(RL_SLICE("2001:db8:1:2:3::4"), &one);
  rl_ip_parse(RL_SLICE("2001:db8:1:2:ffff::"), &two);
  rl_cidr a = rl_cidr_of_client(&one), b = rl_cidr_of_client(&two);
  assert_memory_equal(a.ip.bytes, b.ip.bytes, 16);
  rl_ip_parse(RL_SLICE("192.0.2.1"), &one);
  rl_ip_parse(RL_SLICE("192.0.2.2"), &two);
  a = rl_cidr_of_client(&one), b = rl_cidr_of_client(&two);
  assert_memory_not_equal(a.ip.bytes, b.ip.bytes, 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      RUN(an_address_is_in_its_network_and_no_other),
      RUN(an_ipv4_address_is_the_same_however_it_is_written),
      RUN(what_is_no_network_is_refused),
      RUN(a_client_of_ipv6_is_its_subnet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
