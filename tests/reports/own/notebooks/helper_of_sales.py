def total(rows):
    return int(rows.sold.sum())
