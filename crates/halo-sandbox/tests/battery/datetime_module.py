from datetime import datetime, timedelta, timezone
times = [datetime.fromisoformat(r["start_time"].replace("Z", "+00:00")) for r in sql("SELECT * FROM traces")]
print(min(times), max(times) - min(times))
print(times[0].strftime("%Y-%m-%d %H:%M %a"), times[0].weekday(), (times[0] + timedelta(hours=36)).date())
gaps = [(b - a).total_seconds() / 3600 for a, b in zip(times, times[1:])]
print(gaps[:4], datetime(2026, 3, 1, tzinfo=timezone.utc) <= times[0], datetime.strptime("01/03/26", "%d/%m/%y").isoformat())
