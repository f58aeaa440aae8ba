"""文号: consecutive document numbers by unit, prefix (机关代字) and year; their register (发文登记簿)."""
